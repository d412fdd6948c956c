"""Authentication: EdDSA tokens issued by the portal, verified with its published keys (RFC 7519, 7517, 8037).

The libraries for signatures and HTTP calls are imported with the first token: they take a seventh of an idle
service's memory.
"""

import asyncio
import time
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from libs.kit.errors import RetryLaterError
from libs.kit.http.principals import Principal, unauthorized
from libs.kit.http.problems import ProblemError

if TYPE_CHECKING:
    from joserfc.jwk import KeySet

    from libs.kit.http.client import InternalHttpClient

KEYS_SECONDS = 300.0
#: Tokens that fail verification refresh the keys at most this often.
UNKNOWN_KEY_SECONDS = 2.0


class Verifier:
    """Verifies tokens with the portal's public keys, cached for KEYS_SECONDS."""

    def __init__(self, neighbours: "InternalHttpClient", portal_url: str) -> None:
        self._neighbours, self._url = neighbours, f"{portal_url}/.well-known/jwks.json"
        self._keys: KeySet | None = None
        self._read_at = 0.0
        self._lock = asyncio.Lock()

    async def verify(self, token: str) -> Principal:
        """Return the token's principal; raises ProblemError 401, or 503 if no keys could be loaded yet."""
        from libs.kit.http.tokens import read_claims  # noqa: PLC0415  # see above

        keys = await self._load_keys(KEYS_SECONDS)
        try:
            return read_claims(token, keys)
        except ProblemError:
            return read_claims(token, await self._load_keys(UNKNOWN_KEY_SECONDS))

    async def _load_keys(self, age_seconds: float) -> "KeySet":
        from libs.kit.http.tokens import read_keys  # noqa: PLC0415  # see above

        async with self._lock:
            if self._keys is None or time.monotonic() - self._read_at > age_seconds:
                try:
                    self._keys = read_keys(await self._neighbours.get_json(self._url))
                    self._read_at = time.monotonic()
                except (RetryLaterError, ValueError):
                    if self._keys is None:
                        raise ProblemError(503, "keys_unavailable", "Tokens cannot be verified at the moment") from None
            return self._keys


class ServiceToken:
    """This service's own token, fetched from the portal and renewed after 80 % of its lifetime."""

    def __init__(self, neighbours: "InternalHttpClient", portal_url: str, service: str, key: SecretStr) -> None:
        self._neighbours, self._url, self._service, self._key = neighbours, f"{portal_url}/v1/tokens", service, key
        self._token = ""
        self._renew_at = 0.0

    async def get(self) -> str:
        """Return a valid token; raises RetryLaterError while the portal issues none."""
        if time.monotonic() > self._renew_at:
            body = {"service": self._service, "service_key": self._key.get_secret_value()}
            response: dict[str, Any] = await self._neighbours.post_json(self._url, body)
            self._token = str(response["access_token"])
            self._renew_at = time.monotonic() + 0.8 * float(response["expires_in"])
        return self._token


__all__ = ["Principal", "ServiceToken", "Verifier", "unauthorized"]
