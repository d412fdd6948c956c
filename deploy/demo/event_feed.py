"""Consumes the topics that the demo shows and prints their events as text."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Self

from aiokafka import AIOKafkaConsumer

from deploy.demo.consumables import consumable_of
from deploy.demo.view import View

TOPICS = ("slots", "reorders", "orders", "notices")

Text = Callable[[Mapping[str, Any]], str]


def _amount(category: str, steps: float) -> str:
    unit = consumable_of(category).pack[1].replace("count", "pcs")
    return f"{steps / 1000:.2f} {unit}"


def _short(at: str) -> str:
    return f"{datetime.fromisoformat(at):%d %b}"


def _products(event: Mapping[str, Any]) -> str:
    """Return the products that an event about an order is about."""
    return " and ".join(line["product_id"] for line in event.get("lines") or [event])


def _amounts(event: Mapping[str, Any]) -> str:
    lines = event.get("lines") or [event]
    return " and ".join(f"{_amount(line['product_id'], line['quantity'])} {line['product_id']}" for line in lines)


#: Text for each event; other events are not shown.
TEXTS: dict[str, Text] = {
    "ThresholdCrossed": lambda e: (
        f"{e['product_id']} runs low: {_amount(e['product_id'], e['level'])} left, "
        f"{_amount(e['product_id'], e['rate_per_day'])} a day"
    ),
    "ReorderApproved": lambda e: f"{_amounts(e)} to be ordered",
    "ReorderHeld": lambda e: f"{e['product_id']} is held: {e['reason']}; waits for {e['wake_up']}",
    "OrderPlaced": lambda e: f"{e['provider_id']} accepted the order for {_products(e)}",
    "OrderShipped": lambda e: f"{_products(e)} shipped, due {e.get('expected_date') or _short(e['expected_at'])}",
    "OrderDelivered": lambda e: f"{_products(e)} delivered ({e['evidence']})",
    "OrderRefused": lambda e: f"{e['provider_id']} refused: {e['reason']}",
    "OrderLinesRefused": lambda e: f"{e['provider_id']} refused {_products(e)}: {e['reason']}",
    "OrderLinesCancelled": lambda e: f"{_products(e)} cancelled: {e['reason']}",
    "OrderUnknown": lambda e: f"the outcome of the order for {_products(e)} is unknown",
    "CustomerNotified": lambda e: f"notified: {e['kind'].replace('_', ' ')} ({e['channel']})",
}


class EventFeed:
    """Counts and prints events; also maps orders to slots."""

    def __init__(self, kafka_url: str, view: View) -> None:
        self._kafka_url, self.view = kafka_url, view
        self.counted: Counter[str] = Counter()
        #: By order and line: the slot that the line is for; None stands for the first line.
        self.slot_of: dict[tuple[str, str | None], tuple[str, str]] = {}
        #: By customer id: the household's name.
        self.names: dict[str, str] = {}
        self._seen: set[str] = set()

    async def __aenter__(self) -> Self:
        self._reading = asyncio.create_task(self._read(), name="feed")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._reading.cancel()
        await asyncio.wait([self._reading])

    async def _read(self) -> None:
        consumer = AIOKafkaConsumer(
            *TOPICS, bootstrap_servers=self._kafka_url, auto_offset_reset="earliest", fetch_max_wait_ms=100
        )
        async with consumer:
            while True:
                for records in (await consumer.getmany(timeout_ms=1000, max_records=500)).values():
                    for record in records:
                        self.add(json.loads(record.value))

    def add(self, event: Mapping[str, Any]) -> None:
        """Count an event once and print it; a delivery counts when nothing of its order is left to come."""
        if event["id"] in self._seen:
            return
        self._seen.add(event["id"])
        kind, data = event["type"], event["data"]
        if data.get("complete", True) or kind != "OrderDelivered":  # an order may arrive in several parcels
            self.counted[kind] += 1
        if kind == "ReorderApproved":
            self.slot_of[data["order_id"], None] = (data["device_id"], data["slot"])
            for line in data.get("lines", ()):
                self.slot_of[data["order_id"], line["line_id"]] = (line["device_id"], line["slot"])
        if kind in TEXTS:
            who = self.names.get(data["customer_id"], data["customer_id"])
            self.view.show_event(f"{event['time'][:10]}  {who:16} {TEXTS[kind](data)}")

    @property
    def figures(self) -> dict[str, int]:
        """Return the figures shown during the run."""
        names = {
            "ThresholdCrossed": "crossings",
            "OrderPlaced": "orders",
            "OrderDelivered": "delivered",
            "CustomerNotified": "notices",
        }
        return {name: self.counted[kind] for kind, name in names.items()}
