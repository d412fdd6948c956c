"""A provider's integration: a plain Kafka client that needs only the published schemas.

It consumes `provider-orders-<provider>`, accepts every order once, ships it, and publishes updates on
`provider-updates-<provider>`. It may be killed at any moment and started again.
"""

import argparse
import asyncio
import json
import mmap
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from deploy.samples.order_log import OrderLog, Update


class Integration:
    """One provider: its decision about each event, and its updates."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options, self.now, self.log = options, clock(options.clock), OrderLog(options.log)

    async def run(self) -> None:
        topic, group = f"provider-orders-{self.options.provider}", f"provider-{self.options.provider}"
        settings = {"bootstrap_servers": self.options.kafka, "client_id": self.options.name}
        consumer = AIOKafkaConsumer(
            topic,
            group_id=group,
            group_instance_id=group,  # a restarted instance replaces the killed one immediately
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            **settings,
        )
        async with consumer, AIOKafkaProducer(acks="all", **settings) as producer:
            while True:
                read = await consumer.getmany(timeout_ms=20 if self.options.clock else 500)
                for record in (record for records in read.values() for record in records):
                    self.handle(json.loads(record.value))
                self.advance_orders()
                for update in self.outgoing():
                    await self.publish(update, producer)
                if read:
                    await consumer.commit()  # after publishing, so that a killed instance reads these records again

    def handle(self, event: dict[str, Any]) -> None:
        request = event["data"]
        latest = self.log.latest.get(request["order_id"])
        self.log.write("read", type=event["type"], id=event["id"], **self.ids(request))
        if event["type"] == "OrderRequested" and latest:
            self.log.write("repeated", **self.ids(request))
        elif event["type"] == "OrderRequested":
            self.accept(request)
        elif event["type"] == "CancelRequested" and latest and latest["status"] == "accepted":
            self.decide("cancelled", request, reason=request["reason"])
        elif event["type"] in ("CancelRequested", "OrderStatusRequested"):
            self.answer(event, latest or {"order_id": request["order_id"], "status": "not_found"})

    def accept(self, request: dict[str, Any]) -> None:
        expected_at = datetime.fromisoformat(request["requested_at"]) + timedelta(days=self.options.lead_days)
        self.decide("accepted", request, expected_at=expected_at.isoformat(), quantity=request["quantity"])

    def advance_orders(self) -> None:
        """Ship accepted orders; where this provider reports deliveries, deliver what is due."""
        for order in list(self.log.open.values()):
            shipping = datetime.fromisoformat(order["occurred_at"]) + timedelta(days=self.options.handling_days)
            if order["status"] == "accepted" and self.now() >= shipping:
                self.decide("shipped", order, expected_at=order["expected_at"], quantity=order["quantity"])
            elif order["status"] == "shipped" and self.is_due(order):
                self.decide("delivered", order, quantity=order["quantity"])

    def is_due(self, shipped: Update) -> bool:
        return self.options.delivers and self.now() >= datetime.fromisoformat(shipped["expected_at"])

    def decide(self, status: str, order: dict[str, Any], **more: Any) -> None:
        """Log a decision; its id is derived from the order, so that repeating it has no effect."""
        update_id = f"{order['order_id']}-{status}"
        update = {
            **self.ids(order),
            "update_id": update_id,
            "status": status,
            "occurred_at": self.now().isoformat(),
            **more,
        }
        self.log.write(status, **self.ids(order), quantity=more.get("quantity"), update=update)

    def answer(self, event: dict[str, Any], latest: Update) -> None:
        """Repeat the current status of an order, under an id derived from the request."""
        update_id = f"{latest['order_id']}-{latest['status']}-{event['id']}"
        update = {**latest, **self.ids(latest), "update_id": update_id, "occurred_at": self.now().isoformat()}
        self.log.write("answered", **self.ids(latest), status=latest["status"], update=update)

    def outgoing(self) -> list[Update]:
        return list(self.log.unpublished.values())

    def ids(self, order: dict[str, Any]) -> dict[str, str]:
        return {"provider_id": self.options.provider, "order_id": order["order_id"]}

    async def publish(self, update: Update, producer: AIOKafkaProducer) -> None:
        key, value = update["order_id"].encode(), json.dumps(envelope(update)).encode()
        await producer.send_and_wait(f"provider-updates-{self.options.provider}", value, key)
        self.log.write("said", order_id=update["order_id"], update_id=update["update_id"])


def envelope(update: Update) -> dict[str, Any]:
    """Return the CloudEvent of an update."""
    return {
        "specversion": "1.0",
        "id": update["update_id"],
        "source": f"/providers/{update['provider_id']}",
        "type": "OrderUpdated",
        "subject": update["order_id"],
        "time": update["occurred_at"],
        "datacontenttype": "application/json",
        "data": update,
    }


def clock(file: Path | None) -> Callable[[], datetime]:
    """Return the system clock, or one from a shared file of eight bytes (microseconds since 1970)."""
    if file is None:
        return lambda: datetime.now(UTC)
    with file.open("rb") as opened:
        memory = mmap.mmap(opened.fileno(), 8, access=mmap.ACCESS_READ)
    return lambda: datetime.fromtimestamp(0, UTC) + timedelta(microseconds=struct.unpack("<q", memory[:8])[0])


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kafka", required=True, help="host:port of the broker")
    parser.add_argument("--provider", required=True, help="the provider_id that names the two topics")
    parser.add_argument("--name", default="sample-provider", help="Kafka client id")
    parser.add_argument("--log", required=True, type=Path, help="log file (JSON lines)")
    parser.add_argument("--lead-days", type=float, default=2, help="days from order to delivery")
    parser.add_argument("--handling-days", type=float, default=0, help="days in which an order can be cancelled")
    parser.add_argument("--delivers", action="store_true", help="also report deliveries")
    parser.add_argument("--clock", type=Path, help="shared clock file instead of the system time")
    return parser


if __name__ == "__main__":
    asyncio.run(Integration(arguments().parse_args()).run())
