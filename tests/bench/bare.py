"""The reference loop: getmany, msgspec, one unnest UPDATE, crossings to an outbox and offsets in one transaction.

It is the minimum for a loop that survives a crash: one connection, sequential batches. It updates the same columns of
a copy of consumption's table with the same burn rate, but without duplicates, gaps, boots, levels, uncertainty, owners
and days, and it publishes nothing.
"""

import sys
from datetime import datetime

import asyncpg
import msgspec
import uvloop
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener

GROUP = "bare"
BATCH = 2000

TABLES = """
CREATE TABLE bare_slot (LIKE slot INCLUDING ALL);
ALTER TABLE bare_slot SET (fillfactor = 60);
CREATE TABLE bare_outbox (device_id text, slot text, level bigint);
CREATE TABLE bare_offset (partition integer PRIMARY KEY, next_offset bigint NOT NULL);
"""


class Used(msgspec.Struct, gc=False):
    device_id: str
    slot: str
    quantity: int
    boot: str
    seq: int
    occurred_at: datetime
    received_at: datetime


class SlotUsed(msgspec.Struct, gc=False, tag_field="type"):
    data: Used


READ = msgspec.json.Decoder(SlotUsed).decode

APPLY = """
WITH applied AS (
    UPDATE bare_slot AS s SET
        level = s.level - r.used,
        used_total = s.used_total + r.used,
        last_seq = r.seq,
        boot = r.boot,
        boot_no = 1,
        rate_use = s.rate_use * exp((s.used_at - r.used_at) / 1209600) + r.used,
        rate_days = s.rate_days * exp((s.used_at - r.used_at) / 1209600) + 1,
        used_at = r.used_at,
        received_at = r.received_at,
        variance = s.variance + r.used,
        used_before_today = s.used_total
    FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::float8[], $7::float8[])
        AS r (device_id, slot, used, boot, seq, used_at, received_at)
    WHERE s.device_id = r.device_id AND s.slot = r.slot
    RETURNING s.device_id, s.slot, s.level, s.level <= s.at_level AS crossed)
INSERT INTO bare_outbox SELECT device_id, slot, level FROM applied WHERE crossed
"""
OFFSETS = """
UPDATE bare_offset SET next_offset = new.next_offset
FROM unnest($1::integer[], $2::bigint[]) AS new (partition, next_offset)
WHERE bare_offset.partition = new.partition
"""


class Placed(ConsumerRebalanceListener):
    """Starts each partition at its stored offset."""

    def __init__(self, consumer, connection):
        self.consumer, self.connection = consumer, connection

    async def on_partitions_revoked(self, revoked):
        pass

    async def on_partitions_assigned(self, assigned):
        rows = dict(await self.connection.fetch("SELECT partition, next_offset FROM bare_offset"))
        for tp in assigned:
            self.consumer.seek(tp, rows[tp.partition])


async def apply_next(consumer, connection, apply, offsets):
    found = await consumer.getmany(timeout_ms=500, max_records=BATCH)
    if not found:
        return
    rows = [
        (r.device_id, r.slot, r.quantity, r.boot, r.seq, r.occurred_at.timestamp(), r.received_at.timestamp())
        for records in found.values()
        for r in (READ(record.value).data for record in records)
    ]
    rows.sort()
    async with connection.transaction():
        await apply.fetch(*map(list, zip(*rows, strict=True)))
        await offsets.fetch([tp.partition for tp in found], [records[-1].offset + 1 for records in found.values()])


async def main(kafka_url, database_url, topic):
    connection = await asyncpg.connect(database_url, server_settings={"plan_cache_mode": "force_generic_plan"})
    lookup = await asyncpg.connect(database_url)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka_url,
        group_id=GROUP,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=50,
        session_timeout_ms=30_000,
    )
    consumer.subscribe([topic], listener=Placed(consumer, lookup))
    await consumer.start()
    apply, offsets = await connection.prepare(APPLY), await connection.prepare(OFFSETS)
    while True:
        await apply_next(consumer, connection, apply, offsets)


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
