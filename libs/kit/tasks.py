"""Runs tasks: claim the row, perform the call outside any transaction, then record the outcome."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID, uuid4

from libs.kit.clock import wait_for_event
from libs.kit.connections import Connection
from libs.kit.errors import TRANSIENT, RejectedError, RetryLaterError
from libs.kit.logs import CURRENT, Work
from libs.kit.metrics import TASKS
from libs.kit.records import storable
from libs.kit.service import Task, TaskKind, TaskResult
from libs.kit.store import Store, write_outputs

if TYPE_CHECKING:
    from libs.kit.kit import Kit

LOG = logging.getLogger(__name__)
MOST_RUNNING = 8
POLL_SECONDS = 0.5
EXPIRED_POLL_SECONDS = 2.0  # leases last many seconds, so an expired one is not urgent
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 300.0
LONGEST_COMPLETION_PAUSE_SECONDS = 5.0


class Claimed(NamedTuple):
    """A task claimed by this process until its lease expires."""

    kind: str
    task: Task
    attempt_id: UUID
    was_unknown: bool
    cause: str | None
    traceparent: str | None


class TaskRunner:
    """Claims due tasks and runs up to MOST_RUNNING of them concurrently, each to a recorded outcome."""

    def __init__(self, kit: "Kit") -> None:
        self._kit = kit
        self._kinds = {kind.kind: kind for kind in kit.service.tasks}
        self._woken = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()
        #: Attempts of this process without a recorded outcome; they are not marked unknown when their lease expires.
        self._alive: Counter[UUID] = Counter()
        self._stopping = False
        self._checked_leases_at = 0.0

    def after_commit(self, store: Store) -> None:
        """Wake up if the transaction queued a task."""
        if store.added_tasks:
            self._woken.set()

    def clock_stepped(self) -> None:
        """Wake up, because more tasks may be due."""
        self._woken.set()

    def finish(self) -> None:
        """Let `run` return once the running calls have an outcome."""
        self._stopping = True
        self._woken.set()

    async def run(self) -> None:
        try:
            while self._kinds and not self._stopping:
                if not await self._start_due():
                    await wait_for_event(self._woken, POLL_SECONDS)
                    self._woken.clear()
            await asyncio.gather(*self._running)
        finally:
            for task in self._running:
                task.cancel()

    async def _start_due(self) -> bool:
        """Claim due tasks up to the free slots and return whether more may be due now."""
        free = MOST_RUNNING - len(self._running)
        if not free:
            return False
        try:
            claimed = await self._claim(free)
        except TRANSIENT as error:
            LOG.warning("tasks not claimed; retrying", extra={"reason": repr(error)})
            return False
        self._alive.update(due_task.attempt_id for due_task in claimed)
        for due_task in claimed:
            task = asyncio.create_task(self._run_one(due_task))
            self._running.add(task)
            task.add_done_callback(self._ended)
        return len(claimed) == free

    def _ended(self, task: asyncio.Task[None]) -> None:
        if len(self._running) == MOST_RUNNING:
            self._woken.set()  # due tasks may have waited for a free slot
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._kit.fail(error)

    async def _claim(self, limit: int) -> list[Claimed]:
        kinds = [(kind.kind, kind.reconcile is not None, kind.lease_seconds) for kind in self._kinds.values()]
        async with self._kit.pool.acquire() as connection:
            if time.monotonic() - self._checked_leases_at > EXPIRED_POLL_SECONDS:
                await mark_expired_unknown(connection, list(self._alive))
                self._checked_leases_at = time.monotonic()
            return await claim_tasks(connection, uuid4(), self._kit.clock.now(), kinds, limit)

    async def _run_one(self, claimed: Claimed) -> None:
        kind = self._kinds[claimed.kind]
        CURRENT.set(Work(claimed.cause, claimed.traceparent))
        try:
            if outcome := await self._call(kind, claimed):
                await self._complete_with_retries(kind, claimed, outcome)
        finally:
            self._alive -= Counter([claimed.attempt_id])

    async def _call(self, kind: TaskKind, claimed: Claimed) -> TaskResult | None:
        """Return the outcome of the call, or None if the task is to be retried or reconciled later."""
        call = kind.reconcile if claimed.was_unknown and kind.reconcile else kind.perform
        try:
            async with self._leased(kind, claimed):
                return TaskResult(claimed.task, result=await call(claimed.task, self._kit))
        except RejectedError as error:
            return TaskResult(claimed.task, refused=str(error) or "refused")
        except RetryLaterError as error:
            TASKS.labels(kind.kind, "retried").inc()
            await self._postpone(claimed, error, unknown=claimed.was_unknown)
        except Exception as error:
            LOG.exception("task ended with unknown outcome", extra={"kind": claimed.kind, "task": claimed.task.id})
            TASKS.labels(kind.kind, "unknown").inc()
            await self._postpone(claimed, error, unknown=True)
        return None

    @asynccontextmanager
    async def _leased(self, kind: TaskKind, claimed: Claimed) -> AsyncIterator[None]:
        """Limit a call to 80 % of its lease; with `longest_seconds`, to that, while the lease is renewed."""
        renewal = asyncio.create_task(self._renew_lease(kind, claimed)) if kind.longest_seconds else None
        try:
            async with asyncio.timeout(kind.longest_seconds or kind.lease_seconds * 0.8):
                yield
        finally:
            if renewal is not None:
                renewal.cancel()

    async def _renew_lease(self, kind: TaskKind, claimed: Claimed) -> None:
        while True:
            await asyncio.sleep(kind.lease_seconds / 3)
            with suppress(*TRANSIENT):
                async with self._kit.pool.acquire() as connection:
                    await renew_lease(connection, claimed, kind.lease_seconds)

    async def _complete_with_retries(self, kind: TaskKind, claimed: Claimed, outcome: TaskResult) -> None:
        """Record the outcome, retrying while the database is unavailable: a lost outcome may not be recoverable."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                await self._complete(kind, claimed, outcome)
            except TRANSIENT as error:
                LOG.warning("outcome not saved; retrying", extra={"task": claimed.task.id, "reason": repr(error)})
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_COMPLETION_PAUSE_SECONDS)
            except Exception as error:
                LOG.exception("task completion failed", extra={"kind": claimed.kind, "task": claimed.task.id})
                return await self._postpone(claimed, error, unknown=True)
            else:
                TASKS.labels(kind.kind, "refused" if outcome.refused else "done").inc()
                return None

    async def _complete(self, kind: TaskKind, claimed: Claimed, outcome: TaskResult) -> None:
        async with self._kit.writing() as connection:
            ended = "refused" if outcome.refused else "done"
            if not await end_task(connection, claimed, ended, outcome.refused):
                LOG.warning("lease lost; outcome discarded", extra={"kind": claimed.kind, "task": claimed.task.id})
                return
            store = self._kit.store_in(connection, cause=claimed.cause)
            events = await kind.complete(claimed.task, outcome, store)
            await write_outputs(connection, self._kit.outbox_writer(store), store, events)
        self._kit.committed(store)

    async def _postpone(self, claimed: Claimed, error: Exception, *, unknown: bool) -> None:
        retry_after = error.after_seconds if isinstance(error, RetryLaterError) else None
        backoff = min(FIRST_PAUSE_SECONDS * 2 ** min(claimed.task.attempt, 16), LONGEST_PAUSE_SECONDS)
        pause = backoff if retry_after is None else retry_after
        LOG.warning(
            "task postponed",
            extra={"kind": claimed.kind, "task": claimed.task.id, "reason": repr(error), "seconds": pause},
        )
        try:
            async with self._kit.pool.acquire() as connection:
                await postpone_task(connection, claimed, repr(error), pause, unknown=unknown)
        except TRANSIENT:
            LOG.warning("task not postponed; its lease will expire", extra={"task": claimed.task.id})


async def mark_expired_unknown(connection: Connection, alive: list[UUID]) -> None:
    """Mark claimed tasks whose lease expired as unknown, except the `alive` attempts of this process."""
    await connection.execute(
        """-- mark_expired_unknown
        UPDATE task SET state = 'unknown', reason = 'no outcome before the lease ran out'
        WHERE (kind, id) IN (
            SELECT kind, id FROM task
            WHERE state = 'claimed' AND lease_until < now() AND attempt_id <> ALL($1::uuid[])
            ORDER BY kind, id FOR UPDATE SKIP LOCKED)
        """,
        alive,
    )


async def claim_tasks(
    connection: Connection, attempt_id: UUID, now: datetime, kinds: list[tuple[str, bool, float]], limit: int
) -> list[Claimed]:
    """Claim due tasks, and unknown ones that can be reconciled; `kinds` has (kind, can reconcile, lease seconds)."""
    rows = await connection.fetch(
        """-- claim_tasks
        WITH able AS (SELECT * FROM unnest($3::text[], $4::boolean[], $5::double precision[])
                      AS able (kind, reconciles, lease_seconds)),
        next AS (
            SELECT task.kind, task.id, task.state, able.lease_seconds FROM task JOIN able USING (kind)
            WHERE (state = 'due' OR (state = 'unknown' AND able.reconciles))
                AND due_at <= $2 AND retry_at <= now()
            ORDER BY due_at, id LIMIT $6 FOR UPDATE OF task SKIP LOCKED)
        UPDATE task SET state = 'claimed', attempt = attempt + 1, attempt_id = $1,
                          lease_until = now() + make_interval(secs => next.lease_seconds)
        FROM next WHERE task.kind = next.kind AND task.id = next.id
        RETURNING task.kind, task.id, payload, attempt, next.state = 'unknown' AS was_unknown,
                  cause, traceparent
        """,
        attempt_id,
        now,
        [kind for kind, _, _ in kinds],
        [reconciles for _, reconciles, _ in kinds],
        [seconds for _, _, seconds in kinds],
        limit,
    )
    return [
        Claimed(
            row["kind"],
            Task(row["id"], row["payload"], row["attempt"]),
            attempt_id,
            bool(row["was_unknown"]),
            row["cause"],
            row["traceparent"],
        )
        for row in rows
    ]


async def renew_lease(connection: Connection, claimed: Claimed, lease_seconds: float) -> None:
    await connection.execute(
        """-- renew_lease
        UPDATE task SET lease_until = now() + make_interval(secs => $4)
        WHERE kind = $1 AND id = $2 AND attempt_id = $3 AND state = 'claimed'
        """,
        claimed.kind,
        claimed.task.id,
        claimed.attempt_id,
        lease_seconds,
    )


async def end_task(connection: Connection, claimed: Claimed, state: str, reason: str | None) -> bool:
    """Record the outcome if this attempt still holds the lease, and return whether it does.

    The reason may come from outside, so characters that Postgres cannot store are replaced.
    """
    ours = await connection.fetchval(
        """-- end_task
        UPDATE task SET state = $4, reason = $5, completed_at = now()
        WHERE kind = $1 AND id = $2 AND attempt_id = $3 AND state = 'claimed' RETURNING true
        """,
        claimed.kind,
        claimed.task.id,
        claimed.attempt_id,
        state,
        None if reason is None else storable(reason),
    )
    return bool(ours)


async def postpone_task(
    connection: Connection, claimed: Claimed, reason: str, pause_seconds: float, *, unknown: bool
) -> None:
    """Postpone the task; an unknown one is reconciled then, or waits for an operator if its kind cannot reconcile."""
    await connection.execute(
        """-- postpone_task
        UPDATE task SET state = CASE WHEN $6 THEN 'unknown' ELSE 'due' END, reason = left($4, 500),
                          retry_at = now() + make_interval(secs => $5)
        WHERE kind = $1 AND id = $2 AND attempt_id = $3 AND state = 'claimed'
        """,
        claimed.kind,
        claimed.task.id,
        claimed.attempt_id,
        reason,
        pause_seconds,
        unknown,
    )
