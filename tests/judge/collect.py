"""Writes topics (from offset 0) and tables (one snapshot) as input files of the judge."""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import asyncpg
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

OWN = ("usage", "accounts", "slots", "stock", "reorders", "orders", "offers", "notices")
PROVIDERS = ("provider-orders-", "provider-updates-")
#: Tables read from each service's schema that has them.
TABLES = (
    "checkpoint",
    "counter",
    "deferred",
    "dead_letter",
    "task",
    "slot",
    "account",
    "stock",
    "ledger_entry",
    "notice",
    "orders",
    "order_line",
    "shipment_line",
    "allocation",
    "payment",
    "money_transaction",
    "money_entry",
)
POLL_SECONDS = 0.1
RETRY_MS = 10  # aiokafka waits this long for the metadata of each topic, one after the other
ENDLESS = 30  # times `settle_s`: services that progress for so long do not settle


async def collect(folder: Path, *, kafka_url: str, database_url: str, now: datetime, settle_s: float = 0) -> None:
    """Write topics/ and tables/, when all records are consumed or nothing was consumed for `settle_s`.

    `now` is the time of the services' clock; tasks due after it are not waited for.
    """
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka_url,
        enable_auto_commit=False,
        max_partition_fetch_bytes=2**22,
        retry_backoff_ms=RETRY_MS,
    )
    database = await asyncpg.connect(database_url)
    await consumer.start()
    try:
        places = await _places(kafka_url)
        await _wait_until_settled(consumer, places, database, now, settle_s)
        ends = await consumer.end_offsets(places)
        await _write_topics(consumer, ends, folder / "topics")
        await _write_tables(database, folder / "tables")
        bounds = {f"{place.topic}/{place.partition}": end for place, end in ends.items()}
        (folder / "collected.json").write_text(json.dumps({"now": now.isoformat(), "ends": bounds}))
    finally:
        await consumer.stop()
        await database.close()


async def _places(kafka_url: str) -> list[TopicPartition]:
    """Return every partition of every topic of the product."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_url)
    await admin.start()
    try:
        topics = sorted(name for name in await admin.list_topics() if name in OWN or name.startswith(PROVIDERS))
        described = await admin.describe_topics(topics) if topics else []
    finally:
        await admin.close()
    return [TopicPartition(one["topic"], number) for one in described for number in range(len(one["partitions"]))]


async def _wait_until_settled(
    consumer: AIOKafkaConsumer,
    places: list[TopicPartition],
    database: asyncpg.Connection,
    now: datetime,
    settle_s: float,
) -> None:
    """Return when all records are published and consumed, or without progress; the judge reports the rest."""
    began = progressed = time.monotonic()
    before: object = None
    while time.monotonic() - progressed < settle_s and time.monotonic() - began < ENDLESS * settle_s:
        to_do, checkpoints = await _progress(database, now)
        if (to_do, checkpoints) != before:
            before, progressed = (to_do, checkpoints), time.monotonic()
        ends = await consumer.end_offsets(places)
        if not to_do and all(offset >= ends.get(place, 0) for place, offset in checkpoints):
            return
        await asyncio.sleep(POLL_SECONDS)


async def _progress(database: asyncpg.Connection, now: datetime) -> tuple[int, list[tuple[TopicPartition, int]]]:
    """Return the number of unpublished events and due tasks, and all checkpoints, from one snapshot."""
    to_do, checkpoints = 0, []
    async with database.transaction(isolation="repeatable_read", readonly=True):
        for schema, table in await _tables(database, ("checkpoint", "counter", "task")):
            if table == "counter":
                to_do += await database.fetchval(
                    f'SELECT coalesce(sum(sequence - published), 0) FROM "{schema}".counter'
                )
            elif table == "task":
                waiting = f"SELECT count(*) FROM \"{schema}\".task WHERE state IN ('due', 'claimed') AND due_at <= $1"
                to_do += await database.fetchval(waiting, now)
            else:
                rows = await database.fetch(f'SELECT topic, partition, next_offset FROM "{schema}".checkpoint')
                checkpoints += [(TopicPartition(row["topic"], row["partition"]), row["next_offset"]) for row in rows]
    return to_do, checkpoints


async def _write_topics(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    starts = await consumer.beginning_offsets(list(ends))
    open_places = {place: end for place, end in ends.items() if end > starts[place]}
    rows: dict[str, list[dict[str, object]]] = defaultdict(list)
    consumer.assign(list(open_places))
    for place in open_places:
        consumer.seek(place, starts[place])
    while open_places:
        for place, records in (await consumer.getmany(timeout_ms=1000, max_records=5000)).items():
            rows[place.topic] += [_row(record) for record in records if record.offset < ends[place]]
        for place in list(open_places):
            if await consumer.position(place) >= open_places[place]:
                consumer.pause(place)
                del open_places[place]
    for topic, found in rows.items():
        found.sort(key=lambda row: (row["partition"], row["offset"]))
        _write(folder / f"{topic}.jsonl", found)


def _row(record: ConsumerRecord) -> dict[str, object]:
    """Return a record as an input line; bytes that are not UTF-8 are escaped."""
    return {
        "partition": record.partition,
        "offset": record.offset,
        "at_ms": record.timestamp,
        "key": None if record.key is None else record.key.decode(errors="backslashreplace"),
        "value": (record.value or b"").decode(errors="backslashreplace"),
    }


async def _write_tables(database: asyncpg.Connection, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    async with database.transaction(isolation="repeatable_read", readonly=True):
        for schema, table in await _tables(database, TABLES):
            rows = await database.fetch(f'SELECT to_jsonb(row) - \'value\' AS row FROM "{schema}"."{table}" AS row')
            _write(folder / f"{schema}.{table}.jsonl", [json.loads(row["row"]) for row in rows])


async def _tables(database: asyncpg.Connection, names: Iterable[str]) -> list[tuple[str, str]]:
    rows = await database.fetch(
        """SELECT table_schema, table_name FROM information_schema.tables
        WHERE table_name = ANY($1::text[]) AND table_schema NOT IN ('pg_catalog', 'information_schema')
        ORDER BY 1, 2""",
        list(names),
    )
    return [(row["table_schema"], row["table_name"]) for row in rows]


def _write(path: Path, rows: Iterable[dict[str, object]]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
