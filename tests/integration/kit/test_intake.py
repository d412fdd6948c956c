"""The kit on a real broker and database: every record's effect once, every trouble visible."""

import asyncio
import time
from datetime import UTC, datetime

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from libs.contracts.events import SlotUsed
from libs.contracts.topics import partition_for
from libs.contracts.wire import encode
from libs.kit.testing import prepare, running
from tests.integration.kit.ledger import BROKEN, MIGRATION, SERVICE

AT = datetime(2026, 1, 1, tzinfo=UTC)


def used(device, n, quantity=1):
    event = SlotUsed(device_id=device, slot="1", quantity=quantity, boot="b", seq=n + 1, at=AT, received_at=AT)
    return encode(event, id=f"{device}-{n}", source="/test", time=AT)


async def publish(kafka_url, values, topic="usage"):
    async with AIOKafkaProducer(bootstrap_servers=kafka_url, acks="all", linger_ms=5) as producer:
        sent = [
            await producer.send(topic, value, key=key.encode(), partition=partition_for(key.encode(), 12))
            for key, value in values
        ]
        await asyncio.gather(*sent)


async def rows(database, sql, *arguments):
    connection = await asyncpg.connect(database["consumption"].url)
    try:
        return await connection.fetch(sql, *arguments)
    finally:
        await connection.close()


async def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while True:
        found = await condition()
        if found:
            return found
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.02)


async def make_tables(database, kafka_url):
    await prepare(SERVICE, database, kafka_url)
    connection = await asyncpg.connect(database["consumption"].owner_url)
    await connection.execute("SET search_path = consumption;" + MIGRATION)
    await connection.close()


async def test_applies_every_record_once_and_says_it_with_dense_sequences(database, kafka_url):
    await make_tables(database, kafka_url)
    await publish(kafka_url, [(f"d{n % 7}", used(f"d{n % 7}", n)) for n in range(500)])

    async with running(SERVICE, kafka_url=kafka_url, database_urls=database):
        await until(lambda: rows(database, "SELECT 1 FROM seen HAVING sum(events) = 500"))
        await until(lambda: rows(database, "SELECT 1 FROM counter HAVING sum(published) = 500"))

    counters = await rows(database, "SELECT partition, sequence FROM counter WHERE topic = 'slots'")
    async with AIOKafkaConsumer(bootstrap_servers=kafka_url, auto_offset_reset="earliest") as consumer:
        for partition, sequence in counters:
            tp = TopicPartition("slots", partition)
            ends = await consumer.end_offsets([tp])
            assert ends[tp] == sequence


async def test_a_restart_neither_loses_nor_repeats(database, kafka_url):
    async with running(SERVICE, kafka_url=kafka_url, database_urls=database):
        await publish(kafka_url, [(f"d{n % 7}", used(f"d{n % 7}", n)) for n in range(500, 600)])
        await until(lambda: rows(database, "SELECT 1 FROM seen HAVING sum(events) = 600"))
    async with running(SERVICE, kafka_url=kafka_url, database_urls=database):
        await publish(kafka_url, [("d1", used("d1", 601))])
        await until(lambda: rows(database, "SELECT 1 FROM seen HAVING sum(events) = 601"))


async def test_parks_what_cannot_be_read_and_goes_on(database, kafka_url):
    async with running(SERVICE, kafka_url=kafka_url, database_urls=database):
        await publish(kafka_url, [("p1", b"\xff not json"), ("p1", b'{"type":"Nobody"}'), ("p1", used("p1", 1))])
        await until(lambda: rows(database, "SELECT 1 FROM seen WHERE device_id = 'p1'"))
    parked = await rows(database, "SELECT reason, value FROM parked")
    assert [row["value"] for row in parked] == [b"\xff not json"]
    assert "JSON" in parked[0]["reason"]


async def test_one_failing_key_waits_and_the_others_go_on(database, kafka_url):
    BROKEN.add("bad")
    async with running(SERVICE, kafka_url=kafka_url, database_urls=database) as kit:
        await publish(kafka_url, [("good", used("good", 1)), ("bad", used("bad", 1)), ("good", used("good", 2))])
        await until(lambda: rows(database, "SELECT 1 FROM seen WHERE device_id = 'good' AND events = 2"))
        await publish(kafka_url, [("bad", used("bad", 2))])
        held = await until(
            lambda: (
                rows(database, "SELECT reason FROM held HAVING count(*) = 2")
                if False
                else rows(database, "SELECT reason FROM held ORDER BY held_id OFFSET 1")
            )
        )
        assert "behind" in held[0]["reason"]

        BROKEN.clear()
        async with kit.writing() as connection:
            await connection.execute("UPDATE held SET retry_at = now()")
        await until(lambda: rows(database, "SELECT 1 FROM seen WHERE device_id = 'bad' AND events = 2"))
    assert await rows(database, "SELECT * FROM held") == []
