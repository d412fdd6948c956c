"""Who asks: EdDSA tokens signed by the portal, verified with its published keys (RFC 7519, 7517, 8037)."""

import asyncio
import time
from typing import Any, NamedTuple

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import SecretStr

from libs.kit.failures import Retry
from libs.kit.problems import Problem

ISSUER = AUDIENCE = "replenish"
ALGORITHMS = ["EdDSA", "Ed25519"]
KEYS_SECONDS = 300.0
#: An unknown key id asks the portal again at most this often, however many tokens carry it.
UNKNOWN_KEY_SECONDS = 2.0
LEEWAY_SECONDS = 5


class Principal(NamedTuple):
    """Who a request comes from, and in what role."""

    subject: str
    role: str
    customer_id: str | None = None
    service: str | None = None
    provider_id: str | None = None


def unauthorized(detail: str) -> Problem:
    return Problem(
        401, "unauthorized", "A valid bearer token is needed", detail=detail, headers={"WWW-Authenticate": "Bearer"}
    )


def read_claims(token: str, keys: KeySet) -> Principal:
    """Return who the token speaks for; raises Problem 401 with the reason."""
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
    except (JoseError, ValueError, KeyError, TypeError) as refused:
        raise unauthorized(f"The token is not accepted: {refused}") from None


class Verifier:
    """Verifies tokens with the portal's keys, which it keeps for a while."""

    def __init__(self, http: httpx.AsyncClient, portal_url: str) -> None:
        self._http, self._url = http, f"{portal_url}/.well-known/jwks.json"
        self._keys: KeySet | None = None
        self._read_at = 0.0
        self._lock = asyncio.Lock()

    async def verify(self, token: str) -> Principal:
        """Return who asks; raises Problem 401, or Problem 503 where the keys cannot be read."""
        keys = await self._current(KEYS_SECONDS)
        try:
            return read_claims(token, keys)
        except Problem:
            return read_claims(token, await self._current(UNKNOWN_KEY_SECONDS))

    async def _current(self, age_seconds: float) -> KeySet:
        async with self._lock:
            if self._keys is None or time.monotonic() - self._read_at > age_seconds:
                try:
                    answer = (await self._http.get(self._url)).raise_for_status()
                    self._keys = KeySet.import_key_set(answer.json())
                    self._read_at = time.monotonic()
                except (httpx.HTTPError, JoseError, ValueError):
                    if self._keys is None:
                        raise Problem(503, "keys_unavailable", "Tokens cannot be verified just now") from None
            return self._keys


class ServiceToken:
    """This service's own token, fetched from the portal and renewed before it ends."""

    def __init__(self, http: httpx.AsyncClient, portal_url: str, service: str, key: SecretStr) -> None:
        self._http, self._url, self._service, self._key = http, f"{portal_url}/v1/tokens", service, key
        self._token = ""
        self._ends = 0.0

    async def get(self) -> str:
        """Return a valid token; raises Retry while the portal cannot give one."""
        if time.monotonic() > self._ends:
            body = {"service": self._service, "service_key": self._key.get_secret_value()}
            try:
                answer: dict[str, Any] = (await self._http.post(self._url, json=body)).raise_for_status().json()
            except httpx.HTTPError as away:
                raise Retry(f"no service token: {away}") from away
            self._token = str(answer["access_token"])
            self._ends = time.monotonic() + 0.8 * float(answer["expires_in"])
        return self._token
