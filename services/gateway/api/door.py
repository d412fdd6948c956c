"""The gateway's open door: what all its protocols share while the service runs."""

import asyncio
import functools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from time import monotonic
from weakref import WeakKeyDictionary

from aiokafka import AIOKafkaProducer

from libs.kit import Kit
from libs.kit.http.problems import ProblemError
from services.gateway.api import metrics
from services.gateway.api.body import Budget
from services.gateway.api.registry import Registry
from services.gateway.domain.bodies import Bounds
from services.gateway.domain.judging import Sense
from services.gateway.domain.limits import Buckets, Limit
from services.gateway.domain.records import Written
from services.gateway.settings import Settings
from services.gateway.store import ProduceError, UsageTopic

_DOORS: WeakKeyDictionary[Kit, "Door"] = WeakKeyDictionary()


class Door:
    """Credentials, limits and the way into Kafka."""

    def __init__(self, kit: Kit, settings: Settings) -> None:
        self.settings = settings
        self.clock = kit.clock
        self.registry = Registry(kit, settings)
        self.topic = UsageTopic(
            functools.partial(producer, settings),
            patience_seconds=settings.acknowledge_seconds,
            wedged_seconds=settings.producer_wedged_seconds,
        )
        self.budget = Budget(settings.most_bytes_under_way)
        self.devices = Buckets(
            Limit(settings.device_reports_per_second, settings.device_reports_burst), settings.devices_watched
        )
        self.strangers = Buckets(
            Limit(settings.strangers_per_second, settings.strangers_burst), settings.devices_watched
        )
        self.bounds = Bounds(settings.most_reports_per_request, settings.deepest_json)
        self.sense = Sense(
            settings.largest_capacities,
            timedelta(hours=settings.future_hours),
            datetime(settings.oldest_year, 1, 1, tzinfo=UTC),
        )
        self._watch: asyncio.Task[None] | None = None
        self._fail = kit.fail

    async def open(self) -> None:
        self._watch = asyncio.create_task(self.registry.watch(), name="gateway-registry")
        for task in (self._watch, await self.topic.start()):
            task.add_done_callback(self._ended)
        metrics.BROKER_CONNECTED.set_function(lambda: float(self.topic.connected))

    async def close(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        await self.topic.stop()

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Stop the process where either ended by itself: without them it could only say 503, for ever."""
        if not task.cancelled() and (died := task.exception()) is not None:
            self._fail(died)

    def charge(self, sender: str, amount: float) -> None:
        """Take from what a device may send; raises 429 with the seconds to wait."""
        wait = self.devices.take(sender, amount, monotonic())
        if wait:
            raise too_fast("rate_limited", "The device sends more than it may", wait)

    async def write(self, records: Sequence[Written]) -> None:
        """Return when the broker has acknowledged; raises 503 otherwise, never a false yes."""
        size = sum(len(record.value) for record in records)
        self.budget.take(size)
        settled = functools.partial(self.budget.give, size)
        started = monotonic()
        try:
            await self.topic.write(records, settled)
        except ProduceError as error:
            raise ProblemError(
                503,
                "broker_unavailable",
                "The reports could not be stored just now",
                detail=f"{error}; send the same again later: repeating is safe",
                headers={"Retry-After": "2"},
            ) from None
        metrics.PRODUCE_SECONDS.observe(monotonic() - started)


def door_of(kit: Kit) -> Door:
    """Return the door of this running service."""
    return _DOORS[kit]


async def open_door(kit: Kit) -> None:
    """Begin following credentials and connecting to the broker."""
    assert isinstance(kit.settings, Settings)  # noqa: S101  # service.py names this class
    door = _DOORS[kit] = Door(kit, kit.settings)
    await door.open()


async def close_door(kit: Kit) -> None:
    """Let what is under way be acknowledged and end."""
    await _DOORS.pop(kit).close()


def producer(settings: Settings) -> AIOKafkaProducer:
    """Build the producer of `usage`.

    Without idempotence: aiokafka's idempotent producer wedges for good after a leaderless window
    (aio-libs/aiokafka#1017), and reports have identities of their own.
    """
    return AIOKafkaProducer(
        bootstrap_servers=settings.kafka_url,
        client_id=f"gateway-{settings.instance}",
        acks="all",
        linger_ms=settings.producer_linger_ms,
        max_batch_size=settings.producer_batch_bytes,
        compression_type="lz4",
        request_timeout_ms=int(settings.acknowledge_seconds * 1000),
    )


def too_fast(code: str, title: str, wait_seconds: float) -> ProblemError:
    seconds = max(1, -int(-wait_seconds // 1))
    return ProblemError(429, code, title, detail=f"try again in {seconds} s", headers={"Retry-After": str(seconds)})
