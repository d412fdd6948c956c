"""A server of the stack as a child process: how it is stopped, killed and restarted."""

import asyncio
import signal
import subprocess
from abc import ABC, abstractmethod
from typing import ClassVar

from deploy.local.child import end
from deploy.local.errors import StackError


class ServerProcess(ABC):
    """A child process; start, stop, kill and restart may be called at any time, also by the supervisor."""

    #: Name in messages.
    title: ClassVar[str]
    #: Signal for a clean stop, and the seconds until SIGKILL follows.
    stop_signal: ClassVar[signal.Signals]
    stop_patience_s: ClassVar[float]

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._turn = asyncio.Lock()

    @abstractmethod
    async def start(self) -> None:
        """Return once the server works; does nothing if it runs."""

    @property
    def pid(self) -> int:
        return self._running().pid

    def exit_status(self) -> int | None:
        """Return the exit status, None while it runs or before it was started."""
        return None if self._child is None else self._child.poll()

    async def stop(self) -> None:
        """Stop it cleanly; does nothing if it is not running."""
        async with self._turn:
            await self._end(self.stop_signal)

    async def kill(self) -> None:
        """Send SIGKILL; children of the server exit on their own."""
        async with self._turn:
            self._running()
            await self._end(signal.SIGKILL)

    async def restart(self) -> None:
        """Stop it if it runs, then start it on the same port with the same data."""
        await self.stop()
        await self.start()

    async def _end(self, how: signal.Signals) -> None:
        """Stop the server; clear `_child` first, so that the supervisor does not take the exit for a crash."""
        child, self._child = self._child, None
        if child is not None:
            await end(child, how, patience_s=self.stop_patience_s)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is None:
            raise StackError(f"{self.title} is not running")
        return self._child
