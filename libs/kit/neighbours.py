"""Calls to other services, where somebody waits for the answer."""

import sys
from functools import cached_property
from typing import TYPE_CHECKING, Any

from libs.kit.failures import Retry

if TYPE_CHECKING:
    import httpx

CALL_SECONDS = 10.0
TOO_MANY, SERVER_FAILED = 429, 500


class Neighbours:
    """One HTTP client for the process, made when it is first needed."""

    @cached_property
    def client(self) -> "httpx.AsyncClient":
        import httpx  # noqa: PLC0415  # 5 MB that most idle services do not need

        return httpx.AsyncClient(timeout=CALL_SECONDS, follow_redirects=False)

    async def get_json(self, url: str) -> Any:
        """Return the JSON at this address; raises Retry while it cannot be had."""
        return await self._json("GET", url)

    async def post_json(self, url: str, body: dict[str, Any]) -> Any:
        """Return the JSON answered to this body; raises Retry while it cannot be had."""
        return await self._json("POST", url, json=body)

    async def _json(self, method: str, url: str, **more: Any) -> Any:
        import httpx  # noqa: PLC0415  # see above

        try:
            return (await self.client.request(method, url, **more)).raise_for_status().json()
        except (httpx.HTTPError, ValueError) as away:
            raise Retry(f"{method} {url}: {away!r}") from away

    async def close(self) -> None:
        if "client" in vars(self):
            await self.client.aclose()


def is_neighbour_away(failed: Exception) -> bool:
    """Tell whether a call to another service did not get through; an answer that finds fault with ours did."""
    httpx = sys.modules.get("httpx")  # who never made a client has nobody to miss, and need not load it to know
    if httpx is None or not isinstance(failed, httpx.HTTPError):
        return False
    if not isinstance(failed, httpx.HTTPStatusError):
        return True
    status: int = failed.response.status_code
    return status == TOO_MANY or status >= SERVER_FAILED
