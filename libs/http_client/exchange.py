"""One request and its response: pinned to a checked address, limited in time and size, without redirects."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from libs.http_client.guard import Address, ForbiddenAddressError, Guard, Target

if TYPE_CHECKING:
    import ssl

    import httpx

#: Upper limit for Retry-After, and the pause without one.
LONGEST_PAUSE_SECONDS, USUAL_PAUSE_SECONDS = 3600.0, 1.0
#: Retry after a forbidden address: its DNS record can be corrected.
FORBIDDEN_PAUSE_SECONDS = 60.0


class UnknownOutcomeError(Exception):
    """The result of the call is ambiguous: reconcile by status, do not repeat the call."""


class Reply(NamedTuple):
    """A conclusive response: 2xx, or 4xx except 408 and 429."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Request(NamedTuple):
    """A request with its absolute URL."""

    method: str
    url: str
    headers: Mapping[str, str]
    content: bytes


@dataclass(frozen=True, slots=True)
class Bounds:
    """Time and size limits of a call."""

    connect_seconds: float
    total_seconds: float
    reply_bytes: int
    ca_file: Path | None = None


class NotSentError(Exception):
    """The provider did not act on the request; `result` is the metric label, `seconds` the delay until a retry."""

    result = "not_sent"

    def __init__(self, reason: str, seconds: float | None = None) -> None:
        super().__init__(reason)
        self.seconds = seconds


class ProviderBusyError(NotSentError):
    """429 or 503: honour Retry-After, otherwise back off exponentially."""

    result = "busy"

    def __init__(self, reason: str, pause: float, *, has_retry_after: bool) -> None:
        super().__init__(reason, pause if has_retry_after and pause >= USUAL_PAUSE_SECONDS else None)
        self.pause = max(pause, USUAL_PAUSE_SECONDS)


class ForbiddenTargetError(NotSentError):
    """The SSRF guard refused the call."""

    result = "forbidden"


class Exchange:
    def __init__(self, guard: Guard, bounds: Bounds) -> None:
        self._guard, self._bounds = guard, bounds

    async def send(self, request: Request) -> Reply:
        """Raises NotSentError if the provider did not act on the request, UnknownOutcomeError if it may have."""
        import httpx  # noqa: PLC0415  # 5 MB, not needed if all providers use Kafka

        try:
            async with asyncio.timeout(self._bounds.total_seconds):
                target = await self._resolve(request.url)
                async with self._client() as client:
                    return await self._send_to_first_reachable(client, request, target)
        except TimeoutError as error:
            raise UnknownOutcomeError(f"no response within {self._bounds.total_seconds:g} seconds") from error
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise UnknownOutcomeError(f"the connection failed during the call: {type(error).__name__}") from error

    async def _resolve(self, url: str) -> Target:
        try:
            return await self._guard.resolve(url)
        except OSError as error:
            raise NotSentError(f"the host name does not resolve: {error}") from error
        except ForbiddenAddressError as error:
            raise ForbiddenTargetError(str(error), FORBIDDEN_PAUSE_SECONDS) from error

    async def _send_to_first_reachable(self, client: "httpx.AsyncClient", request: Request, target: Target) -> Reply:
        import httpx  # noqa: PLC0415  # see above

        last_error: Exception | None = None
        for address in target.addresses:
            try:
                return await self._exchange(client, _pinned(client, request, target, address))
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                last_error = error
        raise NotSentError(f"not connected: {type(last_error).__name__} {last_error}") from last_error

    async def _exchange(self, client: "httpx.AsyncClient", request: "httpx.Request") -> Reply:
        reply = await client.send(request, stream=True)
        try:
            _check_status(reply.status_code, reply.headers)
            return Reply(reply.status_code, reply.headers, await self._read(reply))
        finally:
            await reply.aclose()

    async def _read(self, reply: "httpx.Response") -> bytes:
        """Read the body up to the size limit; encoded bodies are refused, because they may be decompression bombs."""
        if reply.headers.get("content-encoding", "identity").lower() != "identity":
            raise UnknownOutcomeError("the response is encoded")
        body = bytearray()
        async for chunk in reply.aiter_raw():
            body += chunk
            if len(body) > self._bounds.reply_bytes:
                raise UnknownOutcomeError(f"the response has more than {self._bounds.reply_bytes} bytes")
        return bytes(body)

    def _client(self) -> "httpx.AsyncClient":
        """Return a client for one call; a pooled connection would outlive the check of its address."""
        import httpx  # noqa: PLC0415  # see above

        timeout = httpx.Timeout(self._bounds.total_seconds, connect=self._bounds.connect_seconds)
        return httpx.AsyncClient(verify=self._tls, timeout=timeout, follow_redirects=False, trust_env=False)

    @cached_property
    def _tls(self) -> "ssl.SSLContext":
        import httpx  # noqa: PLC0415  # see above

        context = httpx.create_ssl_context(trust_env=False)
        if self._bounds.ca_file is not None:
            context.load_verify_locations(self._bounds.ca_file)
        return context


def _pinned(client: "httpx.AsyncClient", request: Request, target: Target, address: Address) -> "httpx.Request":
    """Build a request to the checked address that keeps the original name in Host and SNI."""
    split = urlsplit(request.url)
    literal = f"[{address}]" if address.version == 6 else str(address)  # noqa: PLR2004  # IPv6
    host = f"[{target.host}]" if ":" in target.host else target.host
    headers = {
        "Host": split.netloc if split.port else host,
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Connection": "close",
        "User-Agent": "replenish",
        **request.headers,
    }
    url = f"{target.scheme}://{literal}:{target.port}{split.path or '/'}{'?' + split.query if split.query else ''}"
    extensions: dict[str, Any] = {"sni_hostname": target.host} if target.scheme == "https" else {}
    return client.build_request(request.method, url, headers=headers, content=request.content, extensions=extensions)


def _check_status(status: int, headers: Mapping[str, str]) -> None:
    """Raises ProviderBusyError for 429 and 503 with Retry-After, UnknownOutcomeError for 1xx, 3xx, 408 and 5xx."""
    if status == HTTPStatus.TOO_MANY_REQUESTS or (
        status == HTTPStatus.SERVICE_UNAVAILABLE and "retry-after" in headers
    ):
        seconds = parse_retry_after(headers.get("retry-after", ""))
        raise ProviderBusyError(
            f"{status}, retry after {seconds:g} s", seconds, has_retry_after="retry-after" in headers
        )
    if not (HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES or status in range(400, 500)):
        raise UnknownOutcomeError(f"the response was {status}")
    if status == HTTPStatus.REQUEST_TIMEOUT:
        raise UnknownOutcomeError("the provider timed out while waiting for the request")


def parse_retry_after(retry_after: str) -> float:
    """Parse Retry-After as seconds or HTTP date (RFC 9110, 10.2.3), limited to an hour."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_PAUSE_SECONDS)
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return USUAL_PAUSE_SECONDS
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    seconds = date.timestamp() - time.time()
    return min(max(seconds, 0.0), LONGEST_PAUSE_SECONDS)
