"""A provider's integration: a plain Kafka client that needs only the published schemas.

It consumes `provider-orders-<provider>`, accepts every order once, ships it, and publishes updates on
`provider-updates-<provider>`. It may be killed at any moment and started again.
"""

import argparse
import asyncio
import json
import mmap
import struct
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from deploy.samples.order_lines import Line, Parcel, lines_of, parcels_of, price_of
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
        elif event["type"] == "CancelRequested" and latest and (lines := self.lines_to_cancel(request, latest)):
            self.decide("cancelled", request, lines, reason=request["reason"])
        elif event["type"] in ("CancelRequested", "OrderStatusRequested"):
            self.answer(event, latest or {"order_id": request["order_id"], "status": "not_found"})

    def accept(self, request: dict[str, Any]) -> None:
        """Accept the lines that are not sold out; if all are, refuse the order."""
        lines = [self.offer(line) for line in lines_of(request)]
        if all("status" in line for line in lines):
            self.decide("refused", request, reason="sold out")
            return
        expected_at = datetime.fromisoformat(request["requested_at"]) + timedelta(days=self.options.lead_days)
        self.decide("accepted", request, lines, expected_at=expected_at.isoformat())

    def offer(self, line: Line) -> Line:
        """Return a requested line as we accept it, with its price, or as sold out."""
        offered = {"line_id": line["line_id"], "quantity": line["quantity"]}
        if line["product_id"] in self.options.sold_out:
            return {**offered, "status": "refused", "reason": "sold out"}
        return {**offered, "price": price_of(line)}

    def advance_orders(self) -> None:
        """Ship accepted lines; where this provider reports deliveries, deliver what is due."""
        for order in list(self.log.open.values()):
            lines = self.lines(order)
            for parcel in parcels_of(order["order_id"], lines, part_shipments=self.options.part_shipments):
                self.advance_parcel(order, parcel)

    def advance_parcel(self, order: Update, parcel: Parcel) -> None:
        later, handling = timedelta(days=parcel.days_later), timedelta(days=self.options.handling_days)
        accepted = [line for line in parcel.lines if line["status"] == "accepted"]
        shipped = [line for line in parcel.lines if line["status"] == "shipped"]
        if accepted and self.now() >= datetime.fromisoformat(accepted[0]["occurred_at"]) + handling + later:
            expected_at = datetime.fromisoformat(accepted[0]["expected_at"]) + later
            self.decide("shipped", order, accepted, parcel.shipment_id, expected_at=expected_at.isoformat())
        elif shipped and self.is_due(shipped[0]):
            self.decide("delivered", order, shipped, parcel.shipment_id)

    def is_due(self, shipped: Line) -> bool:
        return self.options.delivers and self.now() >= datetime.fromisoformat(shipped["expected_at"])

    def lines(self, order: Update) -> list[Line]:
        """Return the lines of an order with their status; the only line of an order is its latest update."""
        return list(self.log.lines.get(order["order_id"], {}).values()) or [order]

    def lines_to_cancel(self, request: dict[str, Any], order: Update) -> list[Line]:
        """Return the lines that have not left, of those that the request names, or of all if it names none."""
        asked = request.get("line_ids") or [line.get("line_id") for line in self.lines(order)]
        waiting = [line for line in self.lines(order) if line["status"] == "accepted"]
        return [line for line in waiting if "line_id" not in line or line["line_id"] in asked]

    def decide(
        self,
        status: str,
        order: dict[str, Any],
        lines: Sequence[Line] = (),
        shipment_id: str | None = None,
        **more: Any,
    ) -> None:
        """Log a decision about lines, or about all; its id is derived from them, so that repeating it has no effect."""
        content = describe(status, lines) | ({} if shipment_id is None else {"shipment_id": shipment_id})
        named = [line["line_id"] for line in content.get("lines", ())]
        update = {
            **self.ids(order),
            "update_id": "-".join([order["order_id"], status, *named]),
            "status": status,
            "occurred_at": self.now().isoformat(),
            **more,
            **content,
        }
        self.log.write(status, **self.ids(order), quantity=content.get("quantity"), update=update)

    def answer(self, event: dict[str, Any], latest: Update) -> None:
        """Repeat the current status of an order and its lines, under an id derived from the request."""
        update_id = f"{latest['order_id']}-{latest['status']}-{event['id']}"
        update: Update = {**latest, **self.ids(latest), "update_id": update_id, "occurred_at": self.now().isoformat()}
        if latest["order_id"] in self.log.lines:
            update.pop("shipment_id", None)  # quantities are those of all parcels
            update["lines"] = [
                {name: line[name] for name in ("line_id", "status", "quantity")} for line in self.lines(latest)
            ]
        self.log.write("answered", **self.ids(latest), status=latest["status"], update=update)

    def outgoing(self) -> list[Update]:
        return list(self.log.unpublished.values())

    def ids(self, order: dict[str, Any]) -> dict[str, str]:
        return {"provider_id": self.options.provider, "order_id": order["order_id"]}

    async def publish(self, update: Update, producer: AIOKafkaProducer) -> None:
        key, value = update["order_id"].encode(), json.dumps(envelope(update)).encode()
        await producer.send_and_wait(f"provider-updates-{self.options.provider}", value, key)
        self.log.write("said", order_id=update["order_id"], update_id=update["update_id"])


def describe(status: str, lines: Sequence[Line]) -> dict[str, Any]:
    """Return what an update contains about these lines: the fields of an order of one line, or `lines`."""
    if len(lines) == 1 and (status == "accepted" or "line_id" not in lines[0]):
        return {} if status == "cancelled" else {"quantity": lines[0]["quantity"]}
    names = ["line_id", "quantity", "remaining"] + (["status", "reason", "price"] if status == "accepted" else [])
    named = [{name: line[name] for name in names if line.get(name) is not None} for line in lines]
    return {"lines": named} if named else {}


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
    parser.add_argument(
        "--part-shipments", action="store_true", help="ship the first of several lines a day later, in its own parcel"
    )
    parser.add_argument("--sold-out", action="append", default=[], metavar="PRODUCT", help="refuse this product")
    parser.add_argument("--clock", type=Path, help="shared clock file instead of the system time")
    return parser


if __name__ == "__main__":
    asyncio.run(Integration(arguments().parse_args()).run())
