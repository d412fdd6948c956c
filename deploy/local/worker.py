"""One supervised service process."""

import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

from deploy.local.child import Launch, end, last_words, spawn
from deploy.local.errors import StackError
from deploy.local.waiting import until

READY_WITHIN_SECONDS = 90
#: Each check costs a thread and a connection.
ASK_EVERY_SECONDS = 0.1
#: Longer than the kit's graceful shutdown.
STOP_PATIENCE_SECONDS = 20


class Worker:
    """A child process with a readiness check."""

    def __init__(
        self,
        name: str,
        launch: Launch,
        *,
        is_ready: Callable[[], Awaitable[bool]],
        ready_within_s: float = READY_WITHIN_SECONDS,
    ) -> None:
        self.name = name
        self._launch = launch
        self._is_ready = is_ready
        self._ready_within_s = ready_within_s
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self._launch.log

    @property
    def pid(self) -> int:
        if self._child is None:
            raise StackError(f"{self.name} is not running")
        return self._child.pid

    def exit_status(self) -> int | None:
        """Return the exit status, None while it runs or before it was started."""
        return None if self._child is None else self._child.poll()

    async def start(self) -> None:
        """Start it unless it runs; return once it is ready, raise StackError if it exits first."""
        if self._child is None or self._child.poll() is not None:
            self._child = spawn(self._launch)
        child = self._child

        async def settled() -> bool:
            return child.poll() is not None or await self._is_ready()

        await until(settled, f"{self.name} is ready", within_s=self._ready_within_s, every_s=ASK_EVERY_SECONDS)
        if child.poll() is not None:
            raise StackError(f"{self.name} exited with {child.returncode}: {last_words(self.log)}")

    async def stop(self) -> None:
        """Stop it with its stop signal; does nothing if it is not running."""
        if self._child is not None:
            await end(self._child, self._launch.stop_signal, patience_s=STOP_PATIENCE_SECONDS)
            self._child = None
