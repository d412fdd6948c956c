"""A provider controlled by the test: a Kafka client that uses only the published schemas."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from deploy.demo.event_log import EventLog
from deploy.samples.provider import envelope
from libs.kit.clock import SteppedClock

Settled = Callable[[], Awaitable[None]]


class Provider:
    """Consumes all requests; publishes only the test's updates."""

    def __init__(self, provider_id: str, kafka_url: str, clock: SteppedClock, book: EventLog) -> None:
        self.provider_id, self._clock, self._book = provider_id, clock, book
        #: Requests in order, without duplicates.
        self.asked: list[dict[str, Any]] = []
        self.read: set[str] = set()
        self.settled: Settled = _at_once
        self._consumer = AIOKafkaConsumer(
            f"provider-orders-{provider_id}",
            bootstrap_servers=kafka_url,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
        )
        self._producer = AIOKafkaProducer(bootstrap_servers=kafka_url, acks="all")
        self._reading: asyncio.Task[None] | None = None
        self._updates = 0

    async def open(self) -> None:
        await self._producer.start()
        await self._consumer.start()
        self._reading = asyncio.create_task(self._read(), name=self.provider_id)

    async def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reading
        await self._consumer.stop()
        await self._producer.stop()

    async def _read(self) -> None:
        async for record in self._consumer:
            event = json.loads(record.value)
            if event["id"] not in self.read:
                self.asked.append(event)
                self.read.add(event["id"])

    # Interface of a provider log for deploy.demo.quiescence; this provider publishes only on request.

    def catch_up(self) -> None:
        """Do nothing; `read` is always up to date."""

    def is_idle(self, _now: Any) -> bool:
        return True

    # Used by tests.

    def requests(self, order_id: str) -> list[str]:
        """Return the types of all requests about an order."""
        return [event["type"] for event in self.asked if event["data"]["order_id"] == order_id]

    async def accepts(self, order_id: str, in_days: float = 2, **more: Any) -> None:
        await self.reports(order_id, "accepted", expected_at=self._in(in_days), **more)

    async def refuses(self, order_id: str, reason: str = "sold out", **more: Any) -> None:
        await self.reports(order_id, "refused", reason=reason, **more)

    async def ships(self, order_id: str, in_days: float = 2, quantity: int | None = None, **more: Any) -> None:
        """Ship an order, or with `lines` some of its lines; `shipment_id` names a parcel."""
        if quantity is not None:
            more["quantity"] = quantity
        await self.reports(order_id, "shipped", expected_at=self._in(in_days), **more)

    async def delivers(self, order_id: str, **more: Any) -> None:
        await self.reports(order_id, "delivered", **more)

    async def cancels(self, order_id: str, reason: str = "as you wish", **more: Any) -> None:
        await self.reports(order_id, "cancelled", reason=reason, **more)

    async def reports(self, order_id: str, status: str, *, update_id: str | None = None, **more: Any) -> None:
        """Publish one update and wait until its consequences are processed."""
        await self.publishes(order_id, status, update_id=update_id, **more)
        await self.settled()

    async def publishes(self, order_id: str, status: str, *, update_id: str | None = None, **more: Any) -> str:
        """Log one update and publish it; return the update's id."""
        self._updates += 1
        update_id = update_id or f"{self.provider_id}-{self._updates}"
        at = self._clock.now().isoformat()
        ids = {"provider_id": self.provider_id, "order_id": order_id}
        update = {**ids, "update_id": update_id, "status": status, "occurred_at": at, **more}
        self._book.write(op=status, **ids, update=update)
        await self._producer.send_and_wait(
            f"provider-updates-{self.provider_id}", json.dumps(envelope(update)).encode(), order_id.encode()
        )
        return update_id

    def _in(self, days: float) -> str:
        return (self._clock.now() + timedelta(days=days)).isoformat()


async def _at_once() -> None:
    """Wait for nothing."""
