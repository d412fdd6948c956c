"""Supervises processes: starts them in order, restarts those that exit, stops them in reverse."""

import asyncio
import contextlib
import shutil
import time
from collections.abc import Callable, Collection, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from deploy.local.errors import StackError

LOOK_EVERY_SECONDS = 0.2
#: Exponential back-off between restarts.
SHORTEST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 15.0
#: After running this long the back-off is reset.
STABLE_AFTER_SECONDS = 30.0
#: A log is rotated at this size; one older part is kept.
LARGEST_LOG_BYTES = 50_000_000

Condition = Literal["waiting", "starting", "ready", "restarting", "stopped"]


class Member(Protocol):
    """A supervised process: Kafka, Postgres, or a service instance."""

    name: str

    @property
    def pid(self) -> int: ...
    @property
    def log(self) -> Path: ...
    def exit_status(self) -> int | None: ...
    async def start(self) -> None: ...
    async def stop(self) -> None: ...


@dataclass
class Seat:
    """One member with its condition and restart history."""

    member: Member
    condition: Condition = "waiting"
    restarts: int = 0
    last_exit: int | None = None
    trouble: str = ""
    pause_s: float = SHORTEST_PAUSE_SECONDS
    ready_since: float = 0.0

    @property
    def pid(self) -> int | None:
        with contextlib.suppress(StackError):
            return self.member.pid if self.member.exit_status() is None else None
        return None


class Supervisor:
    """Runs groups of members; a group starts concurrently, after the groups before it are ready."""

    def __init__(self, *, on_change: Callable[[], None] = lambda: None, say: Callable[[str], None] = print) -> None:
        """`on_change` is called after every change of a seat's condition."""
        self.groups: list[list[Seat]] = []
        self._on_change = on_change
        self._say = say
        self._stopping = asyncio.Event()
        self._revivals: dict[str, asyncio.Task[None]] = {}
        self._watcher: asyncio.Task[None] | None = None

    @property
    def seats(self) -> list[Seat]:
        """All seats in start order."""
        return [seat for group in self.groups for seat in group]

    async def start(self, members: Sequence[Member], *, running: bool = False) -> None:
        """Start another group; return when all are ready, raise StackError if one exits first."""
        group = [Seat(member) for member in members]
        self.groups.append(group)
        if not running:
            await _together(self._first_start(seat) for seat in group)
        for seat in group:
            self._is_ready(seat)
        if self._watcher is None:
            self._watcher = asyncio.create_task(self._watch(), name="supervisor")

    async def remove(self, names: Collection[str]) -> None:
        """Stop these members and remove their seats."""
        leaving = [seat for seat in self.seats if seat.member.name in names]
        self.groups = [[seat for seat in group if seat.member.name not in names] for group in self.groups]
        revivals = [task for name in names if (task := self._revivals.pop(name, None))]
        for revival in revivals:
            revival.cancel()
        await asyncio.gather(*revivals, return_exceptions=True)
        await asyncio.gather(*(self._stop(seat) for seat in leaving))

    async def stop(self) -> None:
        """Stop all members, the last group first."""
        self._stopping.set()
        tasks = [*self._revivals.values(), *([self._watcher] if self._watcher else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for group in reversed(self.groups):
            await asyncio.gather(*(self._stop(seat) for seat in group))

    async def _first_start(self, seat: Seat) -> None:
        self._turn(seat, "starting")
        await seat.member.start()

    async def _stop(self, seat: Seat) -> None:
        await seat.member.stop()
        self._turn(seat, "stopped")

    async def _watch(self) -> None:
        while not self._stopping.is_set():
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            for seat in self.seats:
                if seat.condition == "ready" and seat.member.exit_status() is not None:
                    self._revivals[seat.member.name] = asyncio.create_task(self._revive(seat))
                move_aside(seat.member.log)

    async def _revive(self, seat: Seat) -> None:
        """Restart a member that exited, with back-off, until it is ready."""
        if time.monotonic() - seat.ready_since > STABLE_AFTER_SECONDS:
            seat.pause_s = SHORTEST_PAUSE_SECONDS
        while True:
            self._note_end(seat)
            await asyncio.sleep(seat.pause_s)
            seat.pause_s = min(2 * seat.pause_s, LONGEST_PAUSE_SECONDS)
            try:
                await seat.member.start()
            except StackError as error:
                seat.trouble = str(error)
            else:
                self._is_ready(seat)
                self._say(f"{seat.member.name} is ready again (pid {seat.pid})")
                return

    def _note_end(self, seat: Seat) -> None:
        status = seat.member.exit_status()
        if status is not None:  # None: still running, but not ready within the start timeout
            seat.last_exit = status
            seat.restarts += 1
            self._say(f"{seat.member.name} exited with {status}; restarting in {seat.pause_s:.1f} s")
        self._turn(seat, "restarting")

    def _is_ready(self, seat: Seat) -> None:
        seat.ready_since = time.monotonic()
        seat.trouble = ""
        self._turn(seat, "ready")

    def _turn(self, seat: Seat, condition: Condition) -> None:
        seat.condition = condition
        self._on_change()


async def _together(starts: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Await all; the first failure cancels the rest and is raised without its group."""
    try:
        async with asyncio.TaskGroup() as group:
            for start in starts:
                group.create_task(start)
    except* StackError as failures:
        first = failures
    else:
        return
    raise StackError(str(first.exceptions[0]))


def move_aside(log: Path) -> None:
    """Copy an oversized log away and truncate it in place, because the child keeps the file open."""
    try:
        grown = log.stat().st_size > LARGEST_LOG_BYTES
    except FileNotFoundError:
        return
    if grown:
        shutil.copyfile(log, log.with_suffix(".old.log"))
        with log.open("r+b") as emptied:
            emptied.truncate()
