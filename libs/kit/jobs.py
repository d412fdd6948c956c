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
from libs.kit.store import write_outputs

if TYPE_CHECKING:
    from libs.kit.kit import Kit

LOG = logging.getLogger(__name__)
POLL_SECONDS = 0.5
AHEAD_SECONDS = 60.0  # more than the clocks of two synchronized hosts differ
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 60.0
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class JobRunner:
    """Polls the clock and runs due jobs."""

    def __init__(self, kit: "Kit") -> None:
        self._kit = kit
        self._ran_at: dict[str, datetime] = {}
        self._pauses: dict[str, float] = {}
        self._retry_at: dict[str, float] = {}
        self._woken = asyncio.Event()

    def clock_stepped(self) -> None:
        self._woken.set()

    async def run(self) -> None:
        while self._kit.service.jobs:
            self._woken.clear()
            now = self._kit.clock.now()
            for job in self._kit.service.jobs:
                is_paused = time.monotonic() < self._retry_at.get(job.called, 0.0)
                if not is_paused and _is_due(job, self._ran_at.get(job.called, LONG_AGO), now):
                    await self._try(job, now)
            await wait_for_event(self._woken, POLL_SECONDS)

    async def _try(self, job: PeriodicJob, now: datetime) -> None:
        """Run the job; a failure affects neither other jobs nor the process, and is retried with back-off."""
        try:
            await self._run_once(job, now)
        except TRANSIENT as error:
            LOG.warning("periodic job not run; retrying", extra={"job": job.called, "reason": repr(error)})
        except Exception:
            LOG.exception("periodic job failed; retrying", extra={"job": job.called})
            JOB_RUNS_FAILED.labels(job.called).inc()
        else:
            self._pauses.pop(job.called, None)
            return
        pause = self._pauses.get(job.called, FIRST_PAUSE_SECONDS)
        self._pauses[job.called] = min(2 * pause, LONGEST_PAUSE_SECONDS)
        self._retry_at[job.called] = time.monotonic() + pause

    async def _run_once(self, job: PeriodicJob, now: datetime) -> None:
        async with self._kit.writing() as connection:
            ran_at = await lock_job(connection, job)
            if not _is_due(job, ran_at, now):  # another replica ran it in this period
                self._ran_at[job.called] = ran_at
                return
            await save_job_run(connection, job, now)
            store = self._kit.store_in(connection)
            events = await job.work(store)
            await write_outputs(connection, self._kit.outbox_writer(store), store, events)
        self._ran_at[job.called] = now
        self._kit.committed(store)
        JOB_RUNS.labels(job.called).inc()


def _is_due(job: PeriodicJob, ran_at: datetime, now: datetime) -> bool:
    """Return whether the period is over; a last run far in the future was on a wrong clock and is ignored."""
    age = (now - ran_at).total_seconds()
    return age >= job.every_seconds or age < -AHEAD_SECONDS


async def lock_job(connection: Connection, job: PeriodicJob) -> datetime:
    """Lock the job's row, which is created if it is missing, and return when the job last ran."""
    ran_at: datetime = await connection.fetchval(
        """-- lock_job
        INSERT INTO periodic_job AS known (name, every_seconds, ran_at) VALUES ($1, $2, $3)
        ON CONFLICT (name) DO UPDATE SET every_seconds = excluded.every_seconds RETURNING known.ran_at
        """,
        job.called,
        job.every_seconds,
        LONG_AGO,
    )
    return ran_at


async def save_job_run(connection: Connection, job: PeriodicJob, ran_at: datetime) -> None:
    await connection.execute("-- save_job_run\nUPDATE periodic_job SET ran_at = $2 WHERE name = $1", job.called, ran_at)
