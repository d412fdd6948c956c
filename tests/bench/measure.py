"""Measures rates: starts processes, observes their progress from outside, and stops them."""

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

#: Excludes the start (imports, group join) and the last, smaller batches.
FIRST_SHARE, LAST_SHARE = 0.1, 0.95
LOOK_EVERY_SECONDS = 0.05
STOP_SECONDS = 20.0


class Child(NamedTuple):
    """A started process."""

    gauge: Gauge
    process: subprocess.Popen[bytes]
    log: Path

    def check(self) -> None:
        """Raise RuntimeError with its last output if it ended."""
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.gauge.name} ended with {self.process.returncode}: {last_words(self.log)}")


@asynccontextmanager
async def running(
    name: str, *commands: Sequence[object], log: Path, environment: Sequence[dict[str, str]] = ()
) -> AsyncIterator[list[Child]]:
    """Start commands concurrently, each with its own environment, and stop them at the end."""
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
    """Return the command that runs a module."""
    return [sys.executable, "-m", name, *arguments]


class Race(NamedTuple):
    """A measurement: its progress, its end and its processes."""

    progress: Callable[[], Awaitable[float]]
    total: float
    children: Sequence[Child]
    limit_seconds: float
    #: Broker and database, whose CPU time is measured too.
    around: Sequence[Gauge] = ()
    #: Whether all processes have started working; earlier progress is not measured.
    all_there: Callable[[], Awaitable[bool]] | None = None


class TooSoonError(Exception):
    """The run ended before a rate could be measured."""


class Speed(NamedTuple):
    """Events per second between 10 % and 95 % of the work, and CPU time per event of each process."""

    per_second: float
    cpu_us: dict[str, float]
    #: Peak memory of one measured process.
    rss_mb: float


class Mark(NamedTuple):
    at: float
    done: float
    cpu: dict[str, float]


async def speed(race: Race) -> Speed:
    """Measure until the end; raises TimeoutError with the progress, TooSoonError, or RuntimeError if a process ends."""
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
