"""One hop of the bare chain: getmany, one committed row in Postgres, send_batch to the next topic.

Records are not decoded; records of one poll share a commit and a batch. The next poll starts after the broker has
acknowledged the batch, so that no record is lost.
"""

import asyncio
import sys

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from replenish_contracts.topics import partition_for

TABLE = "CREATE TABLE hop (source text, key bytea, value bytea)"
BATCH_BYTES = 900_000
INSERT = "INSERT INTO hop SELECT $1, * FROM unnest($2::bytea[], $3::bytea[])"


async def main(kafka_url, database_url, source, target, partitions):
    connection = await asyncpg.connect(database_url)
    insert = await connection.prepare(INSERT)
    consumer = AIOKafkaConsumer(
        source,
        bootstrap_servers=kafka_url,
        group_id=f"hop-{source}",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=50,
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka_url, acks="all", compression_type="lz4", max_batch_size=BATCH_BYTES
    )
    async with consumer, producer:
        while True:
            found = await consumer.getmany(timeout_ms=500)
            records = [record for run in found.values() for record in run]
            if records:
                await insert.fetch(source, [r.key for r in records], [r.value for r in records])
                await send(producer, target, int(partitions), records)


async def send(producer, target, partitions, records):
    batches = {}
    for record in records:
        partition = partition_for(record.key, partitions)
        if partition not in batches:
            batches[partition] = producer.create_batch()
        if batches[partition].append(key=record.key, value=record.value, timestamp=None) is None:
            raise RuntimeError(f"{len(records)} records are more than a batch holds")
    under_way = []
    for partition, batch in batches.items():
        batch.close()
        under_way.append(await producer.send_batch(batch, target, partition=partition))
    await asyncio.gather(*under_way)


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
