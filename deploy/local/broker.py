"""Readiness check of a Kafka broker."""

import asyncio
import logging

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from deploy.local.ports import accepts

READY_TOPIC = "stack-ready"
TIMEOUT_MS = 5_000


async def unready(url: str) -> str | None:
    """Return why no topic can be created or no record produced, else None (the open port alone is no proof)."""
    host, _, port = url.split(",", maxsplit=1)[0].rpartition(":")
    if not await accepts(host, int(port)):
        return f"nothing listens at {host}:{port}"
    quiet = logging.getLogger("aiokafka")
    level = quiet.level
    quiet.setLevel(logging.CRITICAL)  # errors are expected until the broker is ready
    try:
        async with asyncio.timeout(2 * TIMEOUT_MS / 1000):
            await _create_topic(url)
            await _produce(url)
    except (KafkaError, TimeoutError, OSError) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        quiet.setLevel(level)
    return None


async def _create_topic(url: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=url, request_timeout_ms=TIMEOUT_MS)
    try:
        await admin.start()
        topic = NewTopic(READY_TOPIC, num_partitions=1, replication_factor=1)
        answer = await admin.create_topics([topic])
        for row in answer.topic_errors:
            if row[1] not in (0, TopicAlreadyExistsError.errno):
                raise for_code(row[1])
    finally:
        await admin.close()


async def _produce(url: str) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=url, acks="all", request_timeout_ms=TIMEOUT_MS, linger_ms=0)
    await producer.start()
    try:
        await producer.send_and_wait(READY_TOPIC, b"ready")
    finally:
        await producer.stop()
