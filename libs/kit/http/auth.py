"""Authentication: EdDSA tokens issued by the portal, verified with its published keys (RFC 7519, 7517, 8037).

The library for signatures is imported with the first token, and the HTTP client with the first call: they take a
seventh of an idle service's memory.
"""

import asyncio
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from libs.kit.errors import RetryLaterError
from libs.kit.http.problems import ProblemError

if TYPE_CHECKING:
    from joserfc.jwk import KeySet

    from libs.kit.client import InternalHttpClient


class Principal(NamedTuple):
    """Subject, role and scope of a verified token."""

    subject: str
    role: str
    customer_id: str | None = None
    service: str | None = None
    provider_id: str | None = None


#: POST /v1/tokens is an operation of the portal.
HOW_TO_AUTHENTICATE = "request a token at POST /v1/tokens and send it as `Authorization: Bearer <token>`"


def unauthorized(detail: str, problem: str | None = None, remedy: str = HOW_TO_AUTHENTICATE) -> ProblemError:
    return ProblemError(
        401,
        "unauthorized",
        "A valid bearer token is required",
        detail=detail,
        headers={"WWW-Authenticate": "Bearer"},
        field="header.authorization",
        problem=problem or f"{detail[:1].lower()}{detail[1:].rstrip('.')}",
        remedy=remedy,
    )


ISSUER = AUDIENCE = "replenish"
ALGORITHMS = ["EdDSA", "Ed25519"]
LEEWAY_SECONDS = 5


def read_keys(published: Any) -> "KeySet":
    """Return the portal's public keys; raises ValueError if `published` is no JSON Web Key Set."""
    from joserfc.errors import JoseError  # noqa: PLC0415  # see above
    from joserfc.jwk import KeySet  # noqa: PLC0415

    try:
        return KeySet.import_key_set(published)
    except (JoseError, KeyError, TypeError) as error:
        raise ValueError(f"not a key set: {error}") from error


def read_claims(token: str, keys: "KeySet") -> Principal:
    """Return the token's principal; raises ProblemError 401 with the reason."""
    from joserfc import jwt  # noqa: PLC0415  # see above
    from joserfc.errors import JoseError  # noqa: PLC0415

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


KEYS_SECONDS = 300.0
#: Tokens that fail verification refresh the keys at most this often.
UNKNOWN_KEY_SECONDS = 2.0


class Verifier:
    """Verifies tokens with the portal's public keys, cached for KEYS_SECONDS."""

    def __init__(self, client: "InternalHttpClient", portal_url: str) -> None:
        self._client, self._url = client, f"{portal_url}/.well-known/jwks.json"
        self._keys: KeySet | None = None
        self._read_at = 0.0
        self._lock = asyncio.Lock()

    async def verify(self, token: str) -> Principal:
        """Return the token's principal; raises ProblemError 401, or 503 if no keys could be loaded yet."""
        keys = await self._load_keys(KEYS_SECONDS)
        try:
            return read_claims(token, keys)
        except ProblemError:
            return read_claims(token, await self._load_keys(UNKNOWN_KEY_SECONDS))

    async def _load_keys(self, age_seconds: float) -> "KeySet":
        async with self._lock:
            if self._keys is None or time.monotonic() - self._read_at > age_seconds:
                try:
                    self._keys = read_keys(await self._client.get_json(self._url))
                    self._read_at = time.monotonic()
                except (RetryLaterError, ValueError):
                    if self._keys is None:
                        raise ProblemError(
                            503,
                            "keys_unavailable",
                            "Tokens cannot be verified at the moment",
                            problem="the portal, which publishes the keys of tokens, does not respond",
                            remedy="send the same request again in a few seconds",
                        ) from None
            return self._keys
