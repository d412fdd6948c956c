"""Runs periodic jobs: each once per period across all replicas, in one transaction."""

import asyncio
import logging
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from libs.kit.clock import wait_for_event
from libs.kit.connections import Connection
from libs.kit.errors import TRANSIENT
from libs.kit.metrics import JOB_RUNS, JOB_RUNS_FAILED
from libs.kit.service import PeriodicJob
from libs.kit.store import conclude

if TYPE_CHECKING:
    from libs.kit.kit import Kit

LOG = logging.getLogger(__name__)
POLL_SECONDS = 0.5
AHEAD_SECONDS = 60.0  # more than the clocks of two synchronized hosts differ
LONGEST_PAUSE_SECONDS = 60.0
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class JobRunner:
    """Polls the clock and runs due jobs."""

    def __init__(self, kit: "Kit") -> None:
        self._kit = kit
        self._ran_at: dict[str, datetime] = {}
        self._pauses: dict[str, float] = {}
        self._try_at: dict[str, float] = {}
        self._woken = asyncio.Event()

    def clock_stepped(self) -> None:
        self._woken.set()

    async def run(self) -> None:
        while self._kit.service.jobs:
            self._woken.clear()
            now = self._kit.clock.now()
            for tick in self._kit.service.jobs:
                last = self._ran_at.get(tick.called, LONG_AGO)
                if _is_due(tick, last, now) and self._may_try(tick):
                    await self._try(tick, now)
            await wait_for_event(self._woken, POLL_SECONDS)

    def _may_try(self, tick: PeriodicJob) -> bool:
        return time.monotonic() >= self._try_at.get(tick.called, 0.0)

    async def _try(self, tick: PeriodicJob, now: datetime) -> None:
        """Run the job; a failure affects neither other jobs nor the process, and is retried with back-off."""
        try:
            await self._run(tick, now)
        except TRANSIENT as error:
            LOG.warning("periodic job not run; retrying", extra={"tick": tick.called, "reason": repr(error)})
        except Exception:
            LOG.exception("periodic job failed; retrying", extra={"tick": tick.called})
            JOB_RUNS_FAILED.labels(tick.called).inc()
        else:
            self._pauses.pop(tick.called, None)
            return
        pause = self._pauses[tick.called] = min(2 * self._pauses.get(tick.called, 0.25), LONGEST_PAUSE_SECONDS)
        self._try_at[tick.called] = time.monotonic() + pause

    async def _run(self, tick: PeriodicJob, now: datetime) -> None:
        async with self._kit.writing() as connection:
            if not await self._claim(connection, tick, now):
                return
            store = self._kit.store_in(connection)
            events = await tick.work(store)
            await conclude(connection, self._kit.speaker(store), store, events)
        self._ran_at[tick.called] = now
        self._kit.committed(store)
        JOB_RUNS.labels(tick.called).inc()

    async def _claim(self, connection: Connection, tick: PeriodicJob, now: datetime) -> bool:
        """Lock the job's row and record this run; return False if another replica ran it in this period."""
        ran_at: datetime = await connection.fetchval(
            """-- lock_tick
            INSERT INTO periodic_job AS known (name, every_seconds, ran_at) VALUES ($1, $2, $3)
            ON CONFLICT (name) DO UPDATE SET every_seconds = excluded.every_seconds RETURNING known.ran_at
            """,
            tick.called,
            tick.every_seconds,
            LONG_AGO,
        )
        if not _is_due(tick, ran_at, now):
            self._ran_at[tick.called] = ran_at
            return False
        await connection.execute("-- note_tick\nUPDATE periodic_job SET ran_at = $2 WHERE name = $1", tick.called, now)
        return True


def _is_due(tick: PeriodicJob, ran_at: datetime, now: datetime) -> bool:
    """Return whether the period is over; a last run far in the future was on a wrong clock and is ignored."""
    age = (now - ran_at).total_seconds()
    return age >= tick.every_seconds or age < -AHEAD_SECONDS
