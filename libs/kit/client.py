"""Calls to other services: HTTP client and service token."""

import sys
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from libs.kit.errors import RetryLaterError

if TYPE_CHECKING:
    import httpx


CALL_SECONDS = 10.0
TOO_MANY, SERVER_FAILED = 429, 500


class InternalHttpClient:
    """One HTTP client per process, created lazily."""

    @cached_property
    def client(self) -> "httpx.AsyncClient":
        import httpx  # noqa: PLC0415  # takes 5 MB that most idle services do not need

        return httpx.AsyncClient(timeout=CALL_SECONDS, follow_redirects=False)

    async def get_json(self, url: str) -> Any:
        """Return the JSON response; raises RetryLaterError on any HTTP or network error, or if the body is not JSON."""
        return await self._request_json("GET", url)

    async def post_json(self, url: str, body: dict[str, Any]) -> Any:
        """Return the JSON response; raises RetryLaterError like `get_json`."""
        return await self._request_json("POST", url, json=body)

    async def _request_json(self, method: str, url: str, **more: Any) -> Any:
        import httpx  # noqa: PLC0415  # see above

        try:
            return (await self.client.request(method, url, **more)).raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise RetryLaterError(f"{method} {url}: {error!r}") from error

    async def close(self) -> None:
        if "client" in vars(self):
            await self.client.aclose()


def is_service_unavailable(error: Exception) -> bool:
    """Return whether another service is unavailable: a network error, 429 or 5xx, but no other 4xx."""
    httpx = sys.modules.get("httpx")  # imported lazily: if it is not loaded, no call was made
    if httpx is None or not isinstance(error, httpx.HTTPError):
        return False
    if not isinstance(error, httpx.HTTPStatusError):
        return True
    status: int = error.response.status_code
    return status == TOO_MANY or status >= SERVER_FAILED


class ServiceToken:
    """This service's own token, fetched from the portal and renewed after 80 % of its lifetime."""

    def __init__(self, client: "InternalHttpClient", portal_url: str, service: str, key: SecretStr) -> None:
        self._client, self._url, self._service, self._key = client, f"{portal_url}/v1/tokens", service, key
        self._token = ""
        self._renew_at = 0.0

    async def get(self) -> str:
        """Return a valid token; raises RetryLaterError while the portal issues none."""
        if time.monotonic() > self._renew_at:
            body = {"service": self._service, "service_key": self._key.get_secret_value()}
            response: dict[str, Any] = await self._client.post_json(self._url, body)
            self._token = str(response["access_token"])
            self._renew_at = time.monotonic() + 0.8 * float(response["expires_in"])
        return self._token
