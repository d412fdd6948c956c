"""Reads the topic `usage`."""

from aiokafka import AIOKafkaConsumer, TopicPartition

from replenish_contracts.topics import PARTITIONS
from replenish_contracts.wire import decoder


async def read_usage(kafka_url, device_id):
    """Return all records of a device up to the current end of the topic."""
    partitions = [TopicPartition("usage", number) for number in range(PARTITIONS)]
    records_of_device = []
    async with AIOKafkaConsumer(bootstrap_servers=kafka_url) as consumer:
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        while any([await consumer.position(partition) < end for partition, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                records_of_device += [record for record in records if record.key == device_id.encode()]
    return records_of_device


async def read_events(kafka_url, device_id):
    decode = decoder("usage")
    return [decode(record.value) for record in await read_usage(kafka_url, device_id)]
