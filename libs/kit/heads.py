"""How large and how slow a request's head may be: it is read before anybody knows whose request it is."""

import asyncio
import json
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from libs.kit.problems import MEDIA_TYPE

#: What browsers and proxies keep to, many times over.
LARGEST_HEAD_BYTES = 65_536
SLOWEST_HEAD_SECONDS = 15.0


class LimitedHeads(HttpToolsProtocol):
    """Reads HTTP and gives up on heads, and on whatever else is around a body, that never end.

    The parser keeps a header until it has all of it, however long that is.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        #: Bytes of this request that are no body; chunks of one byte are six.
        self._around = 0
        self._in_head = True
        self._patience: asyncio.TimerHandle | None = None
        self._be_patient()

    def connection_lost(self, exc: Exception | None) -> None:
        self._be_content()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._around += len(data)
        super().data_received(data)
        if self._around > LARGEST_HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "head_too_large")
        elif self._in_head and self._patience is None:
            self._be_patient()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._be_content()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._around = max(0, self._around - 2 * len(body))
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._around = 0
        super().on_message_complete()

    def _be_patient(self) -> None:
        self._patience = self.loop.call_later(
            SLOWEST_HEAD_SECONDS, self._refuse, HTTPStatus.REQUEST_TIMEOUT, "head_too_slow"
        )

    def _be_content(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _refuse(self, status: HTTPStatus, code: str) -> None:
        """Say why, and hang up; a request whose head was read has an answer of its own."""
        if self._in_head and not self.transport.is_closing():
            problem = {"type": "about:blank", "title": status.phrase, "status": status.value, "code": code}
            body = json.dumps(problem).encode()
            head = f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
            self.transport.write(STATUS_LINE[status] + head.encode() + body)
        self.transport.close()
