"""Limits of HTTP requests: size of bodies, and size and duration of heads, which are read before authentication."""

import asyncio
import contextlib
import json
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from libs.kit.http.problems import MEDIA_TYPE

#: Upper limit for every service; a service may set a lower one.
LARGEST_BYTES = 1_048_576
#: A response sent while the client is still writing is lost with the connection, so up to this much is discarded first.
DISCARDED_BYTES = 64 * 1_048_576
DISCARD_SECONDS, DISCARD_PAUSE_SECONDS = 30.0, 2.0


class LimitedBodies:
    """ASGI middleware that rejects bodies over LARGEST_BYTES before they are held in memory."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, limit_body(receive, LARGEST_BYTES) if scope["type"] == "http" else receive, send)


def limit_body(receive: Receive, largest_bytes: int) -> Receive:
    """Return a `receive` that raises HTTPException 413 for a body above the limit, with or without Content-Length."""
    read = 0

    async def counted() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > largest_bytes:
            if message.get("more_body"):
                await _discard(receive)
            detail = f"The body is too large: send at most {largest_bytes} bytes"
            raise HTTPException(413, detail, {"Connection": "close"})
        return message

    return counted


async def _discard(receive: Receive) -> None:
    """Discard the rest of a body, up to DISCARDED_BYTES, DISCARD_SECONDS, or a pause of DISCARD_PAUSE_SECONDS."""
    left = DISCARDED_BYTES
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DISCARD_SECONDS):
            while left > 0:
                async with asyncio.timeout(DISCARD_PAUSE_SECONDS):
                    message = await receive()
                left -= len(message.get("body", b""))
                if not message.get("more_body"):
                    return


#: Many times the limits of browsers and proxies.
LARGEST_HEAD_BYTES = 65_536
SLOWEST_HEAD_SECONDS = 15.0
REFUSED_HEADS = {
    "head_too_large": {
        "problem": f"the request line and headers exceed {LARGEST_HEAD_BYTES} bytes",
        "remedy": "send fewer or shorter headers",
    },
    "head_too_slow": {
        "problem": f"the request line and headers did not arrive within {SLOWEST_HEAD_SECONDS:g} s",
        "remedy": "send the request again, over a faster connection",
    },
}


class LimitedHeads(HttpToolsProtocol):
    """Closes connections whose request head, chunk framing or trailers are too large, or whose head takes too long.

    httptools itself buffers a header of any length until it is complete.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        #: Bytes of this request outside its body; a chunk of one byte is sent as six.
        self._bytes_outside_body = 0
        self._in_head = True
        self._header_timeout: asyncio.TimerHandle | None = None
        self._start_header_timeout()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_header_timeout()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._bytes_outside_body += len(data)
        super().data_received(data)
        if self._bytes_outside_body > LARGEST_HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "head_too_large")
        elif self._in_head and self._header_timeout is None:
            self._start_header_timeout()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._cancel_header_timeout()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._bytes_outside_body = max(0, self._bytes_outside_body - 2 * len(body))
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._bytes_outside_body = 0
        super().on_message_complete()

    def _start_header_timeout(self) -> None:
        self._header_timeout = self.loop.call_later(
            SLOWEST_HEAD_SECONDS, self._refuse, HTTPStatus.REQUEST_TIMEOUT, "head_too_slow"
        )

    def _cancel_header_timeout(self) -> None:
        if self._header_timeout is not None:
            self._header_timeout.cancel()
            self._header_timeout = None

    def _refuse(self, status: HTTPStatus, code: str) -> None:
        """Close the connection, with a problem response unless the head was complete: then the app responds."""
        if self._in_head and not self.transport.is_closing():
            problem = {
                "type": "about:blank",
                "title": status.phrase,
                "status": status.value,
                "code": code,
                "errors": [{"code": code, "field": "header", **REFUSED_HEADS[code]}],
            }
            body = json.dumps(problem).encode()
            head = f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
            self.transport.write(STATUS_LINE[status] + head.encode() + body)
        self.transport.close()
