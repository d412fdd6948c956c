"""Reads what is on the topic `usage`, as its consumers do."""

from aiokafka import AIOKafkaConsumer, TopicPartition

from replenish_contracts.topics import PARTITIONS
from replenish_contracts.wire import decoder


async def read_usage(kafka_url, device_id):
    """All reports of a device that the broker has now, with their keys and partitions."""
    places = [TopicPartition("usage", number) for number in range(PARTITIONS)]
    found = []
    async with AIOKafkaConsumer(bootstrap_servers=kafka_url) as consumer:
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        ends = await consumer.end_offsets(places)
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += [record for record in records if record.key == device_id.encode()]
    return found


async def read_events(kafka_url, device_id):
    decode = decoder("usage")
    return [decode(record.value) for record in await read_usage(kafka_url, device_id)]
