"""Readiness, metrics sampled from the database, deletion of old rows, and a watchdog that ends a stuck process."""

import asyncio
import logging
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from libs.kit import metrics
from libs.kit.connections import Connection
from libs.kit.errors import TRANSIENT, RecordLossError

if TYPE_CHECKING:
    from libs.kit.consumer import ConsumerLoop
    from libs.kit.kit import Kit
    from libs.kit.relay import Relay

LOG = logging.getLogger(__name__)
SAMPLE_SECONDS = 2.0
SAMPLE_WITHIN_SECONDS = 10.0
TICK_SECONDS = 0.5
LATE_SECONDS = 1.0  # a loop this late was blocked or stopped
#: Less often than the kit's sample, because measures of services may scan whole tables.
MEASURE_SECONDS = 60.0
CLEAN_SECONDS = 600.0
TASK_KEEP_DAYS = 30


class Health:
    """Samples the database every SAMPLE_SECONDS and answers the probes from the last sample."""

    def __init__(self) -> None:
        self._kit: Kit | None = None
        self._consumer: ConsumerLoop | None = None
        self._relay: Relay | None = None
        self._sampled: dict[str, Any] = {}
        self._process: str | None = None
        self._database_error: str | None = "not opened yet"
        self._cleaned_at = self._measured_at = 0.0
        self._well_at = self._fetched_at = self._ticked_at = time.monotonic()

    def watch(self, kit: "Kit", consumer: "ConsumerLoop | None", relay: "Relay") -> None:
        """Register what `run` checks; call it first."""
        self._kit, self._consumer, self._relay = kit, consumer, relay
        self._ticked_at = time.monotonic()

    @property
    def _watched(self) -> "Kit":
        assert self._kit is not None  # noqa: S101  # `watch` comes first
        return self._kit

    async def run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(SAMPLE_WITHIN_SECONDS), self._watched.pool.acquire() as connection:
                    await self._sample(connection)
                    await self._clean(connection)
                self._database_error = None
                await self._measure()
            except TRANSIENT as error:
                self._database_error = repr(error)
            self._check_watchdog()
            await asyncio.sleep(SAMPLE_SECONDS)

    async def watch_loop(self) -> None:
        """Notice when the event loop was blocked or the process was stopped."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self._extend_limits()

    def _extend_limits(self) -> None:
        """Extend the watchdog's time limits by the time in which nothing could progress."""
        now = time.monotonic()
        late = now - self._ticked_at - TICK_SECONDS
        if late > LATE_SECONDS:
            metrics.LOOP_LATE_SECONDS.inc(late)
            LOG.warning("the event loop was blocked or the process was stopped", extra={"seconds": round(late, 1)})
            self._well_at += late
            self._fetched_at += late
        self._ticked_at = now

    async def _sample(self, connection: Connection) -> None:
        row = await connection.fetchrow(
            """-- sample
            SELECT (SELECT coalesce(sum(sequence - published), 0)::bigint FROM counter) AS outbox,
                   (SELECT count(*) FROM dead_letter) AS dead_letters, (SELECT count(*) FROM deferred) AS deferred,
                   (SELECT count(*) FROM dead_letter WHERE ours) + (SELECT count(*) FROM deferred WHERE ours)
                   AS failures,
                   (SELECT count(*) FROM task WHERE state = 'due') AS due,
                   (SELECT count(*) FROM task WHERE state = 'claimed') AS claimed,
                   (SELECT count(*) FROM task WHERE state = 'unknown') AS unknown,
                   (SELECT coalesce(extract(epoch FROM now() - min(outbox.created_at)), 0)::float8
                    FROM counter JOIN outbox USING (topic, partition)
                    WHERE published < counter.sequence AND outbox.sequence = published + 1) AS oldest,
                   (SELECT process FROM replica WHERE replica = $1) AS process
            """,
            self._watched.replica,
        )
        assert row is not None  # noqa: S101  # a SELECT without FROM has one row
        self._sampled = dict(row)
        self._process = self._sampled.pop("process")
        metrics.OUTBOX_UNSENT.set(row["outbox"])
        metrics.OUTBOX_OLDEST_SECONDS.set(row["oldest"])
        metrics.DEAD_LETTER_RECORDS.set(row["dead_letters"])
        metrics.DEFERRED_RECORDS.set(row["deferred"])
        for state in ("due", "claimed", "unknown"):
            metrics.TASKS_OPEN.labels(state).set(row[state])
        failures: int = row["failures"]
        left = self._watched.settings.failure_budget - failures
        metrics.FAILURE_BUDGET_LEFT.set(left)
        if self._consumer is not None:
            over = f"{failures} dead letters and deferred records of our own topics; see `replenish dead-letters list`"
            self._consumer.hold_back(over if left < 0 else None)

    async def _clean(self, connection: Connection) -> None:
        if time.monotonic() - self._cleaned_at > CLEAN_SECONDS:
            self._cleaned_at = time.monotonic()
            await delete_responses(connection, self._watched.settings.idempotency_keep_hours)
            await delete_ended_tasks(connection, TASK_KEEP_DAYS)

    async def _measure(self) -> None:
        """Take the service's own measures; a failure neither stops the service nor affects readiness."""
        if time.monotonic() - self._measured_at <= MEASURE_SECONDS:
            return
        self._measured_at = time.monotonic()
        try:
            async with asyncio.timeout(SAMPLE_WITHIN_SECONDS), self._watched.read() as store:
                for measure in self._watched.service.measures:
                    await measure.take(store)
        except TRANSIENT as error:
            LOG.warning("measures not taken; retrying", extra={"reason": repr(error)})
        except Exception:
            LOG.exception("measures failed")

    def _check_watchdog(self) -> None:
        """Fail the process if work is pending and none progresses; the supervisor restarts it."""
        if (loop := self._consumer) is not None:
            metrics.LAG_RECORDS.set(loop.lag())
            metrics.PARTITIONS_ASSIGNED.set(len(loop.consumer.assignment()))
        self._extend_limits()
        for stuck in self._stuck():
            self._watched.fail(RecordLossError(stuck))
        if self._process not in (None, self._watched.process):
            newer = f"a newer process runs as {self._watched.replica}: every replica needs an INSTANCE of its own"
            self._watched.fail(RecordLossError(newer))

    def _stuck(self) -> Iterator[str]:
        limit, now = self._watched.settings.watchdog_seconds, time.monotonic()
        if self._database_error or self._broker_error():
            self._well_at = now  # waiting for Postgres or Kafka is not a stall
        well = now - self._well_at
        if (loop := self._consumer) is not None:
            if min(loop.working_seconds(), well) > limit:
                yield "the consumer is stuck: a batch makes no progress"
            if min(loop.outside_seconds(), well) > limit:
                yield "the consumer is not in its group, or every read fails, although the broker answers"
            if min(loop.unpolled_seconds(), well) > limit:
                yield "the consumer loop has stopped polling"
            self._fetched_at = loop.unfetched_since(self._fetched_at)
            if now - self._fetched_at > limit:
                yield "nothing is fetched although the topics have unread records"
        relay = self._relay
        if relay is not None and self._sampled.get("outbox") and min(relay.stalled_seconds(), well) > limit:
            yield "the relay is stuck: the outbox has events and none is published"

    def why_not_ready(self) -> str | None:
        """Return why this replica should get no requests now, or None."""
        if self._kit is None:
            return "still starting"
        if self._database_error:
            return f"the database does not answer: {self._database_error}"
        if (loop := self._consumer) is None:
            return None
        if error := loop.consumer.broker_error:
            return f"the broker does not answer: {error}"
        return loop.held_back if loop.consumer.placed else "no partitions are assigned yet"

    def _broker_error(self) -> str | None:
        return self._consumer.consumer.broker_error if self._consumer is not None else None

    def status(self) -> dict[str, Any]:
        kit, loop = self._kit, self._consumer
        if kit is None:
            return {"ready": False, "why_not": "still starting"}
        assigned = loop.consumer.assignment() if loop else ()
        return {
            "service": kit.service.name,
            "instance": kit.settings.instance,
            "ready": self.why_not_ready() is None,
            "why_not": self.why_not_ready(),
            "clock": kit.clock.now().isoformat(),
            "lag": loop.lag() if loop else 0,
            "assigned": sorted(f"{tp.topic}/{tp.partition}" for tp in assigned),
            **self._sampled,
        }


async def delete_responses(connection: Connection, keep_hours: int) -> None:
    await connection.execute(
        "-- delete_responses\nDELETE FROM idempotency WHERE kept_at < now() - make_interval(hours => $1)", keep_hours
    )


async def delete_ended_tasks(connection: Connection, keep_days: int) -> None:
    await connection.execute(
        """-- delete_ended_tasks
        DELETE FROM task WHERE state IN ('done', 'refused') AND completed_at < now() - make_interval(days => $1)
        """,
        keep_days,
    )
