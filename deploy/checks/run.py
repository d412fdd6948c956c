"""Runs all checks in an order whose result is correct while the system is working."""

from collections import defaultdict

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from deploy.checks.findings import Findings
from deploy.checks.log import LogCheck, Read, Written
from deploy.checks.pools import check_histories, find_disagreements
from deploy.checks.state import check_outboxes, check_views, list_services, note_failed_records
from libs.kit.connections import READER_RETRY_MS
from replenish_contracts.topics import OWN_TOPICS, PATTERNS, PLACE

Counters = dict[TopicPartition, Written]
Checkpoints = dict[TopicPartition, list[Read]]


async def run_checks(database_url: str, kafka_url: str) -> Findings:
    """Return all violations: one snapshot of the database, then the log, then the counters again.

    Services are compared with each other only if no event was under way between them.
    """
    findings = Findings()
    database = await asyncpg.connect(database_url)
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka_url, enable_auto_commit=False, retry_backoff_ms=READER_RETRY_MS)
    try:
        await consumer.start()
        async with database.transaction(isolation="repeatable_read", readonly=True):
            schemas = await list_services(database)
            for schema in schemas:
                await check_outboxes(database, findings, schema)
                await note_failed_records(database, findings, schema)
                await check_views(database, findings, schema)
            await check_histories(database, findings, schemas)
            disagreements = await find_disagreements(database, schemas)
            counters, checkpoints = await _counters(database, schemas), await _checkpoints(database, schemas)
        log = LogCheck(consumer, findings)
        await log.read(await _places(kafka_url), checkpoints)
        log.compare_written(counters, await _counters(database, schemas))
        log.compare_read(checkpoints)
        if not findings.figures.get("unsent") and log.is_consumed(checkpoints):
            findings.add(disagreements)
    finally:
        await consumer.stop()
        await database.close()
    findings.count("services", len(schemas))
    return findings


async def _places(kafka_url: str) -> list[TopicPartition]:
    """Return every partition of the catalogue's topics that exists on the broker."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_url)
    await admin.start()
    try:
        known = sorted(filter(_is_known, await admin.list_topics()))
        described = await admin.describe_topics(known) if known else []
    finally:
        await admin.close()
    return [TopicPartition(one["topic"], number) for one in described for number in range(len(one["partitions"]))]


def _is_known(topic: str) -> bool:
    prefixes = tuple(pattern.name.removesuffix(PLACE) for pattern in PATTERNS)
    return topic.startswith(prefixes) or topic in {known.name for known in OWN_TOPICS}


async def _counters(database: asyncpg.Connection, schemas: list[str]) -> Counters:
    found: Counters = {}
    for schema in schemas:
        for row in await database.fetch(f"SELECT topic, partition, sequence, published FROM {schema}.counter"):  # noqa: S608  # the schema is one of ours
            place = TopicPartition(row["topic"], row["partition"])
            found[place] = Written(schema, row["sequence"], row["published"])
    return found


async def _checkpoints(database: asyncpg.Connection, schemas: list[str]) -> Checkpoints:
    found: Checkpoints = defaultdict(list)
    for schema in schemas:
        query = f"SELECT topic, partition, next_offset, last_offset, last_id FROM {schema}.checkpoint"  # noqa: S608  # the schema is one of ours
        for row in await database.fetch(query):
            place = TopicPartition(row["topic"], row["partition"])
            found[place].append(Read(schema, row["next_offset"], row["last_offset"], row["last_id"]))
    return dict(found)
