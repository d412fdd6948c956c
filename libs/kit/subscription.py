"""The FastStream subscriber of a service, configured so that the framework neither skips nor commits records."""

import re
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from aiokafka import ConsumerRebalanceListener, ConsumerRecord
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.message import FAKE_CONSUMER

from libs.kit.consumer import BUSY_FETCH_MS, CheckpointConsumer, LoadCheckpoints
from replenish_contracts.topics import PROVIDER_ID

if TYPE_CHECKING:
    from libs.kit.kit import Kit

NEW_TOPIC_MS = 2_000  # how soon new provider topics and changed partition counts are noticed
EVENTS_PER_BATCH = 200  # single-event handlers get small transactions, which hold locks briefly

OnRecords = Callable[[Sequence[ConsumerRecord]], Awaitable[None]]


class Subscription:
    """Passes raw batches of a CursorConsumer to `on_records`, one at a time."""

    def __init__(self, kit: "Kit", on_records: OnRecords, listener: ConsumerRebalanceListener) -> None:
        self._kit, settings = kit, kit.settings
        self._broker = KafkaBroker(
            settings.kafka_url, consumer_only=True, client_id=kit.replica, logger=None, graceful_timeout=15
        )
        pattern = _pattern(kit.service.topics)
        self._subscriber: Any = self._broker.subscriber(
            *(() if pattern else kit.service.topics),
            pattern=pattern,
            batch=True,
            group_id=kit.service.name.replace("_", "-"),
            group_instance_id=kit.replica,
            ack_policy=AckPolicy.MANUAL,
            isolation_level="read_committed",  # skips aborted transactions of external producers
            auto_offset_reset="earliest",  # until the seek to the checkpoint; the consumer detects later resets
            max_records=settings.batch_records if kit.service.consumes_in_batches else EVENTS_PER_BATCH,
            batch_timeout_ms=settings.batch_timeout_ms,
            fetch_max_wait_ms=BUSY_FETCH_MS,
            session_timeout_ms=settings.session_timeout_ms,
            rebalance_timeout_ms=settings.rebalance_timeout_ms,
            max_poll_interval_ms=settings.max_poll_interval_ms,
            listener=listener,
            parser=_unparsed,
            decoder=_undecoded,
            no_reply=True,
        )
        self._subscriber(on_records)

    @property
    def consumer(self) -> CheckpointConsumer | None:
        consumer: CheckpointConsumer | None = self._subscriber.consumer
        return consumer

    async def start(self, load_checkpoints: LoadCheckpoints) -> None:
        """Join the group; raises aiokafka's errors while the broker is unavailable, and can then be called again."""
        await self._broker.connect()
        config = self._broker.config.broker_config
        options: dict[str, Any] = config.builder.keywords  # type: ignore[attr-defined]  # a partial since connect()
        consumer_options = {
            "metadata_max_age_ms": NEW_TOPIC_MS,
            "load_checkpoints": load_checkpoints,
            "fail": self._kit.fail,
            "poll_wait_ms": self._kit.settings.poll_wait_ms,
        }
        config.builder = partial(CheckpointConsumer, **options | consumer_options)
        await self._broker.start()

    async def stop(self) -> None:
        await self._broker.stop()


def _pattern(topics: Sequence[str]) -> str | None:
    """Return one regular expression for all topics, or None if no topic has a wildcard."""
    if not any("*" in topic for topic in topics):
        return None
    return "^(" + "|".join(re.escape(topic).replace(r"\*", PROVIDER_ID.pattern) for topic in topics) + ")$"


async def _unparsed(records: Sequence[ConsumerRecord]) -> KafkaMessage:
    return KafkaMessage(body=b"", headers={}, raw_message=tuple(records), consumer=FAKE_CONSUMER)


async def _undecoded(message: KafkaMessage) -> Any:
    return message.raw_message
