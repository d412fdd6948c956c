"""Minimal keep-alive HTTP client for one server, so that the load driver is not the bottleneck."""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Protocol
from urllib.parse import urlsplit

HEAD_END = b"\r\n\r\n"
TIMEOUT_SECONDS = 30.0


class NoResponseError(ConnectionError):
    """The connection ended before the response."""


class Post(Protocol):
    """A client that posts a body and returns (status, body)."""

    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Return the response; raises NoResponseError if there is none."""
        ...


class HttpClient:
    """A server's address and a pool of idle connections."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        lines = [f"POST {path} HTTP/1.1", f"Host: {self._host}:{self._port}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        head = "\r\n".join(lines).encode() + HEAD_END
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                reader, writer = await self._connection()
                try:
                    writer.write(head + body)
                    answer = await _read(reader)
                except BaseException:
                    writer.close()
                    raise
        except (OSError, EOFError, TimeoutError) as error:
            raise NoResponseError(f"{type(error).__name__}: {error}") from error
        self._idle.append((reader, writer))
        return answer

    async def close(self) -> None:
        for _, writer in self._idle:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        self._idle.clear()

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.close()  # closed by the server while idle
        return await asyncio.open_connection(self._host, self._port)


async def _read(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Read one response; our services always send Content-Length."""
    head = (await reader.readuntil(HEAD_END)).decode("latin-1")
    status, *fields = head.split("\r\n")
    length = next((int(f[15:]) for f in fields if f.lower().startswith("content-length:")), 0)
    return int(status.split(" ", 2)[1]), await reader.readexactly(length)
