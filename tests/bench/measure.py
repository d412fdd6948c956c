"""Rates from progress: starts what is measured, watches from outside how far it is, ends it."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from deploy.local.child import Launch, end, last_words, spawn
from deploy.local.settings import ROOT
from tests.bench.gauge import Gauge, cpu_seconds, spent_us

#: The start (imports, group join) and the last, thinning batches are not the loop's speed.
FIRST_SHARE, LAST_SHARE = 0.1, 0.95
LOOK_EVERY_SECONDS = 0.05
STOP_SECONDS = 20.0


class Child(NamedTuple):
    """A process we started."""

    gauge: Gauge
    process: subprocess.Popen[bytes]
    log: Path

    def check(self) -> None:
        """Raise RuntimeError with its last words if it ended."""
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.gauge.name} ended with {self.process.returncode}: {last_words(self.log)}")


@asynccontextmanager
async def running(
    name: str, *commands: Sequence[object], log: Path, environment: Sequence[dict[str, str]] = ()
) -> AsyncIterator[list[Child]]:
    """Start commands side by side, each with its own environment; end exactly them."""
    async with AsyncExitStack() as ends:
        children = []
        for number, command in enumerate(commands):
            own = environment[number] if environment else {}
            launch = Launch(list(map(str, command)), log, {**os.environ, "PYTHONPATH": str(ROOT), **own}, ROOT)
            process = spawn(launch)
            ends.push_async_callback(end, process, signal.SIGTERM, patience_s=STOP_SECONDS)
            children.append(Child(Gauge(name, process.pid), process, log))
        yield children


def module(name: str, *arguments: object) -> list[object]:
    """Return the command that runs one of our modules."""
    return [sys.executable, "-m", name, *arguments]


class Race(NamedTuple):
    """What is measured: how far it is, how far it goes, and who is in it."""

    progress: Callable[[], Awaitable[float]]
    total: float
    children: Sequence[Child]
    limit_seconds: float
    #: Broker and database, for what they spend on it.
    around: Sequence[Gauge] = ()
    #: Whether everybody is at work: what was done before does not count.
    all_there: Callable[[], Awaitable[bool]] | None = None


class TooSoonError(Exception):
    """The race was over before a rate could be seen: it was too short for this machine."""


class Speed(NamedTuple):
    """Events per second between a tenth and 95 % of the work, and the CPU time per event of each process."""

    per_second: float
    cpu_us: dict[str, float]
    #: The most that any of the measured processes had.
    rss_mb: float


class Mark(NamedTuple):
    at: float
    done: float
    cpu: dict[str, float]


async def speed(race: Race) -> Speed:
    """Watch the race to its end; raises TimeoutError with how far it came, TooSoonError, RuntimeError if a process ends."""
    first = last = None
    done, most, deadline = 0.0, 0.0, time.monotonic() + race.limit_seconds
    while done < race.total:
        await asyncio.sleep(LOOK_EVERY_SECONDS)
        done = await race.progress()
        at = time.perf_counter()
        most = max(most, *(child.gauge.rss_mb() for child in race.children))
        if first is None and done >= FIRST_SHARE * race.total and await _all_there(race):
            first = _mark(race, at, done)
        elif last is None and done >= LAST_SHARE * race.total:
            last = _mark(race, at, done)
        for child in race.children:
            child.check()
        if time.monotonic() > deadline:
            raise TimeoutError(f"{done:.0f} of {race.total:.0f}: {last_words(race.children[0].log)}")
    if first is None or last is None or last.done <= first.done:
        raise TooSoonError(f"{race.total:.0f} events were over before everybody was at work")
    events = last.done - first.done
    return Speed(events / (last.at - first.at), spent_us(first.cpu, last.cpu, events), most)


async def _all_there(race: Race) -> bool:
    return race.all_there is None or await race.all_there()


def _mark(race: Race, at: float, done: float) -> Mark:
    return Mark(at, done, cpu_seconds([*(child.gauge for child in race.children), *race.around]))
