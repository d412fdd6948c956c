"""One HTTP exchange with an address somebody else supplied: pinned, bounded in time and size, followed nowhere."""

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

from services.order_dispatch.outward.addresses import Address, Forbidden, Guard, Target

if TYPE_CHECKING:
    import ssl

    import httpx

#: What a provider asks for in Retry-After is believed up to here.
LONGEST_PAUSE_SECONDS, USUAL_PAUSE_SECONDS = 3600.0, 1.0
#: An address that may not be called is judged again after so long: a name can be mended.
FORBIDDEN_PAUSE_SECONDS = 60.0


class Unknown(Exception):  # noqa: N818  # what happened
    """Nobody here knows what the other side made of this call; it must be asked, not told again."""


class Reply(NamedTuple):
    """What came back, of the kinds that say something: 2xx, and 4xx but 429."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Request(NamedTuple):
    """What is sent; the URL is whole."""

    method: str
    url: str
    headers: Mapping[str, str]
    content: bytes


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long and how large a call may be."""

    connect_seconds: float
    total_seconds: float
    reply_bytes: int
    ca_file: Path | None = None


class NothingDone(Exception):  # noqa: N818  # what happened
    """The other side did nothing of what was asked; `how` is the metric's word, `seconds` when to come back."""

    how = "not_sent"

    def __init__(self, why: str, seconds: float | None = None) -> None:
        super().__init__(why)
        self.seconds = seconds


class Busy(NothingDone):
    """The provider says so itself, for so long; who names no time is asked again ever more rarely."""

    how = "busy"

    def __init__(self, why: str, pause: float, *, named: bool) -> None:
        super().__init__(why, pause if named and pause >= USUAL_PAUSE_SECONDS else None)
        self.pause = max(pause, USUAL_PAUSE_SECONDS)


class Blocked(NothingDone):
    """The guard did not let the call out."""

    how = "forbidden"


class Exchange:
    """Sends one request and reads one reply."""

    def __init__(self, guard: Guard, bounds: Bounds) -> None:
        self._guard, self._bounds = guard, bounds

    async def send(self, request: Request) -> Reply:
        """Return the reply; raises NothingDone, else Unknown."""
        import httpx  # noqa: PLC0415  # 5 MB that a service whose providers all read Kafka does not need

        try:
            async with asyncio.timeout(self._bounds.total_seconds):
                target = await self._judged(request.url)
                async with self._client() as client:
                    return await self._first_that_answers(client, request, target)
        except TimeoutError as late:
            raise Unknown(f"no answer within {self._bounds.total_seconds:g} seconds") from late
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as trouble:
            raise Unknown(f"the call broke off: {type(trouble).__name__}") from trouble

    async def _judged(self, url: str) -> Target:
        try:
            return await self._guard.judge(url)
        except OSError as away:
            raise NothingDone(f"its name leads nowhere: {away}") from away
        except Forbidden as forbidden:
            raise Blocked(str(forbidden), FORBIDDEN_PAUSE_SECONDS) from forbidden

    async def _first_that_answers(self, client: "httpx.AsyncClient", request: Request, target: Target) -> Reply:
        """Call the judged addresses in turn until one takes the connection."""
        import httpx  # noqa: PLC0415  # see above

        why: Exception | None = None
        for address in target.addresses:
            try:
                return await self._exchange(client, _pinned(client, request, target, address))
            except (httpx.ConnectError, httpx.ConnectTimeout) as refused:
                why = refused
        raise NothingDone(f"not connected: {type(why).__name__} {why}") from why

    async def _exchange(self, client: "httpx.AsyncClient", request: "httpx.Request") -> Reply:
        reply = await client.send(request, stream=True)
        try:
            _judge(reply.status_code, reply.headers)
            return Reply(reply.status_code, reply.headers, await self._read(reply))
        finally:
            await reply.aclose()

    async def _read(self, reply: "httpx.Response") -> bytes:
        """Read as much as a sensible reply has; an encoded one could be a bomb and was not asked for."""
        if reply.headers.get("content-encoding", "identity").lower() != "identity":
            raise Unknown("the answer is encoded")
        body = bytearray()
        async for chunk in reply.aiter_raw():
            body += chunk
            if len(body) > self._bounds.reply_bytes:
                raise Unknown(f"the answer has more than {self._bounds.reply_bytes} bytes")
        return bytes(body)

    def _client(self) -> "httpx.AsyncClient":
        """Return a client for one call: a kept connection would outlive the judgement about its address."""
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
    """Return the request to the judged address, with the name it was given under in Host and in TLS."""
    split = urlsplit(request.url)
    where = f"[{address}]" if address.version == 6 else str(address)  # noqa: PLR2004  # IPv6
    host = f"[{target.host}]" if ":" in target.host else target.host
    headers = {
        "Host": split.netloc if split.port else host,
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Connection": "close",
        "User-Agent": "replenish",
        **request.headers,
    }
    url = f"{target.scheme}://{where}:{target.port}{split.path or '/'}{'?' + split.query if split.query else ''}"
    extensions: dict[str, Any] = {"sni_hostname": target.host} if target.scheme == "https" else {}
    return client.build_request(request.method, url, headers=headers, content=request.content, extensions=extensions)


def _judge(status: int, headers: Mapping[str, str]) -> None:
    """Raise where the status alone says that there is no answer to read."""
    if status == HTTPStatus.TOO_MANY_REQUESTS or (
        status == HTTPStatus.SERVICE_UNAVAILABLE and "retry-after" in headers
    ):
        seconds = pause_of(headers.get("retry-after", ""))
        raise Busy(f"{status}, to come back in {seconds:g} s", seconds, named="retry-after" in headers)
    if not (HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES or status in range(400, 500)):
        raise Unknown(f"the answer was {status}")
    if status == HTTPStatus.REQUEST_TIMEOUT:
        raise Unknown("the provider gave up waiting for the request")


def pause_of(retry_after: str) -> float:
    """Return the seconds a Retry-After asks for: a number, or a date (RFC 9110, 10.2.3)."""
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
