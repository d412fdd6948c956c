"""Runs the candidates in rounds, so that a slow minute affects all of them."""

import subprocess
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from deploy.local.backends import Backends
from deploy.local.names import SERVICES
from deploy.local.roles import prepare_database
from tests.bench.allocation import Size, allocation_vs_bare
from tests.bench.load import Load
from tests.bench.measure import TooSoonError
from tests.bench.throughput import Run, Throughput

#: Time limit of a run.
LIMIT_SECONDS = 240.0
SMOKE_SIZE = Size(allocations=2_000, per_commit=100, rounds=1)
Say = Callable[[str], None]


@dataclass
class Compared:
    """All runs by candidate and round, and the reason if a candidate did not run."""

    runs: dict[str, list[Run]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    #: Result of allocation.py.
    allocation: dict[str, Any] = field(default_factory=dict)

    def ratio(self, ours: str, theirs: str) -> float | None:
        """Return the median of the ratios per round, each of consecutive runs."""
        pairs = list(zip(self.runs.get(ours, ()), self.runs.get(theirs, ()), strict=False))
        if not pairs:
            return None
        return round(median(a.speed.per_second / b.speed.per_second for a, b in pairs), 3)

    def figures(self) -> dict[str, Any]:
        """Return the contents of bench.json."""
        return {
            "vs_bare": self.ratio("consumption", "bare"),
            "vs_quixstreams": self.ratio("consumption", "quixstreams"),
            "vs_per_event": self.ratio("consumption", "per_event"),
            "two_processes": self.ratio("two_processes", "consumption"),
            "events_per_second": {
                name: [round(run.speed.per_second) for run in runs] for name, runs in self.runs.items()
            },
            "judged": {
                name: [{"events": run.events, "crossings": run.crossings} for run in runs]
                for name, runs in self.runs.items()
            },
            "cpu_us_per_event": {
                name: _medians([run.speed.cpu_us for run in runs]) for name, runs in self.runs.items()
            },
            "rss_throughput_mb": {
                name: round(max(run.speed.rss_mb for run in runs), 1) for name, runs in self.runs.items()
            },
            "not_measured": self.missing,
            **self.allocation,
        }


def _medians(spent: list[dict[str, float]]) -> dict[str, float]:
    return {name: round(median(one[name] for one in spent), 2) for name in spent[0]}


async def compare(folder: Path, load: Load, rounds: int, say: Say, *, quixstreams: bool) -> Compared:
    """Run all candidates `rounds` times on a new broker and database."""
    found = Compared()
    async with Backends(folder, docker=False, say=say) as backends:
        prepared = await prepare_database(backends.database_admin_url, "bench", SERVICES)
        async with Throughput(backends, prepared["consumption"], load, folder, LIMIT_SECONDS) as bench:
            say(f"{load.slots:,} slots in Postgres, {load.events:,} events on the broker")
            await bench.prepare()
            for number in range(rounds):
                await _run(found, "bare", bench.bare_loop, say)
                await _run(found, "consumption", bench.consumption, say)
                await _run(found, "two_processes", lambda: bench.consumption(2), say)
                await _run(found, "per_event", bench.per_event, say)
                if quixstreams:
                    await _run(found, "quixstreams", lambda n=number: bench.quixstreams(n), say)
        found.allocation = await allocation_vs_bare(prepared["inventory"], Size() if quixstreams else SMOKE_SIZE)
        say(f"a hot product: {found.allocation['allocation_vs_bare']:.2f} of a bare conditional UPDATE")
    if not quixstreams:
        found.missing["quixstreams"] = "left out of the smoke run"
    return found


async def _run(found: Compared, name: str, run: Callable[[], Awaitable[Run]], say: Say) -> None:
    if name in found.missing:
        return
    try:
        done = await run()
    except TooSoonError as error:
        found.missing[name] = str(error)
        return
    except subprocess.CalledProcessError as error:  # only quixstreams has to be installed
        found.missing[name] = f"it could not be installed: {error}"
        return
    found.runs.setdefault(name, []).append(done)
    spent = ", ".join(f"{who} {us:.1f}" for who, us in done.speed.cpu_us.items())
    say(f"{name}: {done.speed.per_second:,.0f} events/s; CPU us per event: {spent}; {done.speed.rss_mb:.0f} MB")
