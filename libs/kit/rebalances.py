"""Rebalance listener of the consumer."""

import logging
from collections.abc import Awaitable, Callable

from aiokafka import ConsumerRebalanceListener, TopicPartition

from libs.kit.consumer import CheckpointConsumer

LOG = logging.getLogger(__name__)


class Rebalances(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    """Registers assignments with the consumer; a revocation waits for the running batch."""

    def __init__(
        self, consumer: Callable[[], CheckpointConsumer | None], drained: Callable[[], Awaitable[None]]
    ) -> None:
        self._consumer = consumer
        self._drained = drained

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        consumer = self._consumer()
        if consumer is not None:
            consumer.give_up()
        if revoked:
            await self._drained()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        consumer = self._consumer()
        if consumer is not None:
            consumer.take(assigned)
        LOG.info("partitions assigned", extra={"partitions": len(assigned)})
