"""Metrics of the kit, and gauges that services read from their tables."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from prometheus_client import Counter, Gauge, Histogram

RECORDS_APPLIED = Counter("kit_records_applied", "Records whose effect was committed", ["topic"])
RECORDS_REPEATED = Counter("kit_records_repeated", "Records dropped because they were applied before", ["topic"])
RECORDS_SKIPPED = Counter("kit_records_skipped", "Records of types this service does not know or consume", ["topic"])
RECORDS_DEAD_LETTERED = Counter("kit_records_dead_lettered", "Records stored as dead letters", ["topic"])
RECORDS_DEFERRED = Counter(
    "kit_records_deferred", "Records deferred until a dependency exists or an operator acts", ["topic"]
)
RECORDS_RELEASED = Counter("kit_records_released", "Deferred records applied later", ["topic"])
BATCHES_RETRIED = Counter("kit_batches_retried", "Batches retried after a temporary failure")
BATCH_SECONDS = Histogram(
    "kit_batch_seconds",
    "Seconds from starting a batch to its commit",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)
EVENTS_WRITTEN = Counter("kit_events_written", "Events committed to the outbox", ["topic"])
EVENTS_PUBLISHED = Counter("kit_events_published", "Events acknowledged by the broker", ["topic"])
RELAY_RESENT = Counter("kit_relay_resent", "Events published again because the log had lost its tail")
RELAY_LEADS = Gauge("kit_relay_leads", "1 while this replica's relay holds the lease")
TASKS = Counter("kit_tasks", "Task attempts by outcome", ["kind", "ended"])
JOB_RUNS = Counter("kit_job_runs", "Periodic jobs run", ["name"])
JOB_RUNS_FAILED = Counter(
    "kit_job_runs_failed", "Periodic jobs that raised an unexpected error; they are retried", ["name"]
)
GROUP_JOINS = Counter("kit_group_joins", "Times this replica got partitions from its consumer group")
GROUP_EVICTIONS = Counter(
    "kit_group_evictions", "Times the broker no longer knew this replica, for example after its session timeout"
)
OFFSET_COMMITS_SKIPPED = Counter(
    "kit_offset_commits_skipped", "Commits of offsets, a hint for tools, that were skipped or refused; nothing is lost"
)
LOOP_LATE_SECONDS = Counter(
    "kit_loop_late_seconds", "Seconds by which the event loop was late, if more than one: it was blocked or stopped"
)
LAG_RECORDS = Gauge("kit_lag_records", "Records on the broker that are not applied yet")
PARTITIONS_ASSIGNED = Gauge("kit_partitions_assigned", "Topic partitions this replica reads")
OUTBOX_UNSENT = Gauge("kit_outbox_unsent_records", "Events committed but not acknowledged by the broker")
OUTBOX_OLDEST_SECONDS = Gauge("kit_outbox_oldest_seconds", "Age of the oldest unsent event")
DEAD_LETTER_RECORDS = Gauge("kit_dead_letter_records", "Dead letters")
DEFERRED_RECORDS = Gauge("kit_deferred_records", "Deferred records")
FAILURE_BUDGET_LEFT = Gauge(
    "kit_failure_budget_left", "Dead letters and deferred records of our own topics still allowed"
)
TASKS_OPEN = Gauge("kit_tasks_open", "Open tasks by state", ["state"])
Reading = float | Mapping[str, float]


class Measure:
    """A gauge whose value `read` takes from the database; with a `label`, one value per label value."""

    def __init__(
        self, name: str, meaning: str, read: Callable[[Any], Awaitable[Reading]], *, label: str | None = None
    ) -> None:
        """Register the gauge in the process's metrics: create each measure once, at module level."""
        self._gauge = Gauge(name, meaning, [label] if label else [])
        self._read = read
        self._label_values: set[str] = set()

    async def take(self, store: Any) -> None:
        """Update the gauge; label values that disappeared are set to 0."""
        found = await self._read(store)
        if not isinstance(found, Mapping):
            self._gauge.set(found)
            return
        self._label_values |= set(found)
        for label_value in self._label_values:
            self._gauge.labels(label_value).set(found.get(label_value, 0))
