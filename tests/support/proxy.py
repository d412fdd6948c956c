"""A TCP proxy that parses its traffic and injects faults before or after a COMMIT, a Produce or a POST.

Services are real processes that connect to Postgres, Kafka and each other through it; they need no hooks.
"""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial

from tests.support import wire_protocols
from tests.support.wire_protocols import Frame

#: Fault before the request is forwarded: it has no effect.
BEFORE = "before"
#: Fault after the request took effect, before its reply is forwarded.
AFTER = "after"
#: Hold the request until the fault has happened, then forward it.
DURING = "during"


@dataclass
class Trap:
    """One fault at the first matching request; except with DURING, the request or its reply is lost."""

    matches: Callable[[Frame], bool]
    position: str
    strike: Callable[[], Awaitable[None] | None]
    sprung: asyncio.Event = field(default_factory=asyncio.Event)
    caught: Frame | None = None

    async def spring(self, frame: Frame) -> None:
        self.caught = frame
        struck = self.strike()
        if asyncio.iscoroutine(struck):
            await struck
        self.sprung.set()


class Proxy:
    """Proxy of one server; clients connect to `url`."""

    def __init__(self, upstream, dialect):
        self.upstream = upstream
        self._dialect = dialect
        self._traps: list[Trap] = []
        self._links: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task] = set()
        self._open = True
        self._flows = asyncio.Event()
        self._flows.set()
        self._server: asyncio.Server | None = None
        self.port = 0
        self.seen: list[str] = []
        #: Seconds by which each reply is late; requests are forwarded at once.
        self.reply_delay = 0.0

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, host=self.upstream[0], port=0, family=socket.AF_INET)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def trap(self, matches, position, strike) -> Trap:
        """Strike at the first request that matches: a name, or a function of the frame."""
        if isinstance(matches, str):
            matches = partial(_is_named, matches)
        self._traps.append(trap := Trap(matches, position, strike))
        return trap

    def cut(self):
        """Close every connection and refuse new ones."""
        self._open = False
        for writer in self._links:
            writer.transport.abort()

    def heal(self):
        self._open = True
        self._flows.set()

    def hang(self):
        """Forward nothing, but keep connections open."""
        self._flows.clear()

    async def _serve(self, client_in, client_out):
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            if self._open:
                await self._link(client_in, client_out)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            client_out.transport.abort()
            self._tasks.discard(task)

    async def _link(self, client_in, client_out):
        server_in, server_out = await asyncio.open_connection(*self.upstream)
        dialect = self._dialect(self)
        ends = {client_out, server_out}
        self._links |= ends
        try:
            watched: dict[int, Trap] = {}
            forward = asyncio.ensure_future(self._forward(dialect, client_in, server_out, watched))
            back = asyncio.ensure_future(self._back(dialect, server_in, client_out, watched))
            await asyncio.wait({forward, back}, return_when=asyncio.FIRST_COMPLETED)
            for pump in (forward, back):
                pump.cancel()
            await asyncio.gather(forward, back, return_exceptions=True)
        finally:
            self._links -= ends
            for writer in ends:
                writer.transport.abort()

    async def _forward(self, dialect, client_in, server_out, watched):
        while data := await client_in.read(65536):
            await self._flows.wait()
            for frame in dialect.requests(data):
                if frame.name:
                    self.seen.append(frame.name)
                trap = self._find(frame)
                if trap is not None and trap.position == BEFORE:
                    await trap.spring(frame)
                    return
                if trap is not None and trap.position == DURING:
                    await trap.spring(frame)
                elif trap is not None:
                    watched[id(frame)] = trap
                server_out.write(frame.raw)
            await server_out.drain()

    def _find(self, frame) -> Trap | None:
        for trap in self._traps:
            if trap.matches(frame):
                self._traps.remove(trap)
                return trap
        return None

    async def _back(self, dialect, server_in, client_out, watched):
        loop = asyncio.get_running_loop()
        while data := await server_in.read(65536):
            await self._flows.wait()
            for reply in dialect.replies(data):
                trap = watched.pop(id(reply.ends), None)
                if trap is not None:
                    await trap.spring(reply.ends)
                    return
                if self.reply_delay:
                    loop.call_later(self.reply_delay, client_out.write, reply.raw)
                else:
                    client_out.write(reply.raw)
            with contextlib.suppress(ConnectionError):
                await client_out.drain()


def _is_named(name, frame):
    return frame.name == name


def postgres(host, port):
    return Proxy((host, port), lambda _: wire_protocols.Postgres())


def kafka(host, port):
    return Proxy((host, port), lambda proxy: wire_protocols.Kafka(proxy.upstream, proxy.port))


def http(host, port):
    return Proxy((host, port), lambda _: wire_protocols.Http())


def commit_of(*statements):
    """Match the COMMIT of a transaction that executed all of these named statements."""

    def matches(frame):
        return frame.name == "COMMIT" and frame.within >= set(statements)

    return matches
