"""The orders of the sample DRS shop, one open for each slot, in a file of JSON lines; and what it says of them."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from deploy.samples.drs_accounts import Device

#: A slot's product: ASIN, quantity, unit.
Product = tuple[str, float, str]


@dataclass
class Order:
    """One order of a slot."""

    instance: str
    device: Device
    slot: str
    placed_at: datetime
    #: None while the customer has to settle something first.
    expected_at: datetime | None
    status: str = "Processing"


@dataclass
class Orders:
    """All orders by their instance ids."""

    path: Path
    now: Callable[[], datetime]
    products: dict[str, Product]
    lead: timedelta
    #: Orders meet a problem that their customers have to settle: no notification comes before that.
    in_resolution: bool = False
    known: dict[str, Order] = field(default_factory=dict)

    def open_of(self, device: Device, slot: str) -> Order | None:
        """Return what is still out for delivery to a slot."""
        for order in self.known.values():
            if order.device.serial == device.serial and order.slot == slot and self.is_open(order):
                return order
        return None

    def is_open(self, order: Order) -> bool:
        if order.status == "Cancelled":
            return False
        return order.status == "Processing" or order.expected_at is None or self.now() < order.expected_at

    def place(self, device: Device, slot: str) -> Order:
        """Take an order; the caller has made sure that there is none."""
        instance = f"amzn1.dash.v2.o.{len(self.known) + 1:06d}-{device.serial}"
        expected_at = None if self.in_resolution else self.now() + self.lead
        order = self.known[instance] = Order(instance, device, slot, self.now(), expected_at)
        self.write("placed", instance=instance, serial=device.serial, slot=slot, test=device.test)
        return order

    def settle(self, order: Order) -> None:
        """Let an order go on whose problem the customer has settled."""
        order.expected_at = self.now() + self.lead
        self.write("settled", instance=order.instance)

    def ship(self, order: Order) -> None:
        order.status = "Shipped"
        asin, quantity, unit = self.products[order.slot]
        self.write("shipped", instance=order.instance, asin=asin, quantity=quantity, unit=unit)

    def cancel(self, order: Order) -> None:
        order.status = "Cancelled"
        self.write("cancelled", instance=order.instance)

    def write(self, op: str, **more: Any) -> None:
        """Append a line to the book, onto the disk."""
        with self.path.open("ab") as book:
            book.write(json.dumps({"op": op, "at": self.now().isoformat(), **more}).encode() + b"\n")
            book.flush()
            os.fsync(book.fileno())


def notification(kind: str, device: Device, at: datetime, client_id: str, number: int) -> dict[str, Any]:
    """Return what every notification has."""
    return {
        "notificationInfo": {
            "notificationType": kind,
            "lwaClientId": client_id,
            "notificationTime": stamp(at),
            "notificationId": f"amzn1.dash.notification.v1.{number:08d}",
            "version": "2015-06-05",
        },
        "deviceInfo": {
            "deviceIdentifier": {"serialNumber": device.serial},
            "productIdentifier": {"modelId": device.model},
        },
        "customerInfo": {"directedCustomerId": device.customer},
    }


def order_part(order: Order, product: Product, version: int) -> dict[str, Any]:
    """Return a notification's part about an order, as version 1 or 2 has it."""
    asin, quantity, unit = product
    date = stamp(order.expected_at) if order.expected_at else None
    about: dict[str, Any] = {"instanceId": order.instance, "slotId": order.slot}
    if order.status == "Cancelled":
        return about
    if version == 1:
        return {**about, "productInfo": [{"quantity": quantity, "unit": unit}], "estimatedDeliveryDate": date}
    item = {"asin": asin, "quantity": quantity, "unit": unit, "estimatedDeliveryDate": date}
    return {**about, "productInfo": [item]}


def subscriptions(device: Device, products: dict[str, Product], version: int) -> dict[str, Any]:
    """Return slotsSubscriptionStatus, as version 1 or 2 has it."""
    if version == 1:
        return {"slotsSubscriptionStatus": dict(device.slots)}
    return {
        "slotsSubscriptionStatus": {
            slot: {"subscribed": on, "productInfoList": [_chosen(products[slot])] if on else []}
            for slot, on in device.slots.items()
        }
    }


def stamp(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _chosen(product: Product) -> dict[str, Any]:
    asin, quantity, unit = product
    return {"asin": asin, "quantity": quantity, "unit": unit}
