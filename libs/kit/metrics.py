"""Every metric of the kit with its meaning; services add theirs with their own prefix."""

from prometheus_client import Counter, Gauge, Histogram

RECORDS_APPLIED = Counter("kit_records_applied", "Records whose effect was committed", ["topic"])
RECORDS_REPEATED = Counter("kit_records_repeated", "Records dropped because they were applied before", ["topic"])
RECORDS_SKIPPED = Counter("kit_records_skipped", "Records of types this service does not know or hear", ["topic"])
RECORDS_PARKED = Counter("kit_records_parked", "Records put aside because nobody can use them", ["topic"])
RECORDS_HELD = Counter("kit_records_held", "Records made to wait for something or somebody", ["topic"])
RECORDS_RELEASED = Counter("kit_records_released", "Held records applied after all", ["topic"])
BATCHES_RETRIED = Counter("kit_batches_retried", "Batches tried again after a passing failure")
BATCH_SECONDS = Histogram(
    "kit_batch_seconds",
    "Seconds from taking a batch to its commit",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)
EVENTS_SAID = Counter("kit_events_said", "Events committed to the outbox", ["topic"])
EVENTS_PUBLISHED = Counter("kit_events_published", "Events acknowledged by the broker", ["topic"])
RELAY_RESENT = Counter("kit_relay_resent", "Events sent again because the log had lost its tail")
RELAY_LEADS = Gauge("kit_relay_leads", "1 while this replica's relay holds the lease")
EFFECTS = Counter("kit_effects", "Outside effects by how the attempt ended", ["kind", "ended"])
TICKS = Counter("kit_ticks", "Ticks run", ["name"])
TICKS_FAILED = Counter(
    "kit_ticks_failed", "Ticks that raised something nobody expected; they are tried again", ["name"]
)

LAG_RECORDS = Gauge("kit_lag_records", "Records on the broker that are not applied yet")
PARTITIONS_ASSIGNED = Gauge("kit_partitions_assigned", "Topic partitions this replica reads")
OUTBOX_UNSENT = Gauge("kit_outbox_unsent_records", "Events committed but not acknowledged by the broker")
OUTBOX_OLDEST_SECONDS = Gauge("kit_outbox_oldest_seconds", "Age of the oldest unsent event")
PARKED_RECORDS = Gauge("kit_parked_records", "Records in the parked table")
HELD_RECORDS = Gauge("kit_held_records", "Records in the held table")
TROUBLE_BUDGET_LEFT = Gauge("kit_trouble_budget_left", "Parked and held records of our own topics still allowed")
INTENTS_OPEN = Gauge("kit_intents_open", "Outside effects not ended, by state", ["state"])
