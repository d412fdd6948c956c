"""Membership in the consumer group: which process is a replica, and commits of offsets that cannot end it."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.protocol.commit import OffsetCommitRequest

from libs.kit.connections import Connection

LOG = logging.getLogger(__name__)
NO_ERROR = 0


async def register_process(connection: Connection, replica: str, process: str) -> None:
    """Record this process as the newest of its replica; an older one that still runs has to end.

    aiokafka sends the instance id only when it joins, so the broker cannot fence the older process: each of the two
    would evict the other from the group with every heartbeat.
    """
    await connection.execute(
        """-- register_process
        INSERT INTO replica (replica, process) VALUES ($1, $2)
        ON CONFLICT (replica) DO UPDATE SET process = excluded.process, started_at = now()
        """,
        replica,
        process,
    )


def is_member(kafka: AIOKafkaConsumer) -> bool:
    """Return whether the consumer believes that it is a current member of its group."""
    coordinator = kafka._coordinator  # noqa: SLF001  # there is no public accessor
    return bool(
        coordinator.coordinator_id is not None
        and coordinator.member_id
        and not coordinator.need_rejoin(kafka._subscription.subscription)  # noqa: SLF001
    )


def was_evicted(kafka: AIOKafkaConsumer) -> bool:
    """Return, while partitions are revoked, whether the broker no longer knows this member."""
    return not kafka._coordinator.member_id  # noqa: SLF001  # aiokafka clears it, and keeps it in a rebalance


async def commit_offsets(
    kafka: AIOKafkaConsumer, offsets: Mapping[TopicPartition, int], seconds: float
) -> dict[TopicPartition, int]:
    """Commit once, within `seconds`; return the offsets that the broker stored.

    `AIOKafkaConsumer.commit` gives up the membership when the broker refuses a commit. A refusal that arrives late
    ends the membership of a member that has already rejoined. `commit` also repeats without a limit, and holds up
    the heartbeats, which use the same connection. This sends the same request over the connection of fetches and
    only reports the outcome; heartbeats notice an eviction.
    """
    if not is_member(kafka):
        return {}
    coordinator = kafka._coordinator  # noqa: SLF001
    by_topic: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    for (topic, partition), offset in offsets.items():
        by_topic[topic].append((partition, offset, ""))
    request = OffsetCommitRequest(
        coordinator.group_id,
        coordinator.generation,
        coordinator.member_id,
        OffsetCommitRequest.DEFAULT_RETENTION_TIME,
        list(by_topic.items()),
    )
    try:
        async with asyncio.timeout(seconds):
            response = await kafka._client.send(coordinator.coordinator_id, request)  # noqa: SLF001
    except (KafkaError, TimeoutError) as error:
        LOG.debug("offsets not committed", extra={"reason": repr(error)})
        return {}
    codes = {TopicPartition(topic, number): code for topic, answers in response.topics for number, code in answers}
    if refused := set(codes.values()) - {NO_ERROR}:
        LOG.debug("offsets not committed", extra={"reason": f"error codes {sorted(refused)}"})
    return {tp: offset for tp, offset in offsets.items() if codes.get(tp) == NO_ERROR}
