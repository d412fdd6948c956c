"""Verifies JWTs (RFC 7519) signed with EdDSA keys (RFC 8037)."""

from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from libs.kit.http.principals import Principal, unauthorized

ISSUER = AUDIENCE = "replenish"
ALGORITHMS = ["EdDSA", "Ed25519"]
LEEWAY_SECONDS = 5


def read_keys(published: Any) -> KeySet:
    """Return the portal's public keys; raises ValueError if `published` is no JSON Web Key Set."""
    try:
        return KeySet.import_key_set(published)
    except (JoseError, KeyError, TypeError) as error:
        raise ValueError(f"not a key set: {error}") from error


def read_claims(token: str, keys: KeySet) -> Principal:
    """Return the token's principal; raises Problem 401 with the reason."""
    try:
        claims = jwt.decode(token, keys, algorithms=ALGORITHMS).claims
        jwt.JWTClaimsRegistry(
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": ISSUER},
            aud={"essential": True, "value": AUDIENCE},
            exp={"essential": True},
        ).validate(claims)
        return Principal(
            str(claims["sub"]),
            str(claims["role"]),
            claims.get("customer_id"),
            claims.get("service"),
            claims.get("provider_id"),
        )
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise unauthorized(f"The token is not valid: {error}") from None
