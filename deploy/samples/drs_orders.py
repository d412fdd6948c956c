"""Orders of the sample DRS shop, at most one open per slot, in a JSON lines file; and their notifications."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from deploy.samples.drs_accounts import Device

#: Product of a slot: ASIN, quantity, unit.
Product = tuple[str, float, str]


@dataclass
class Order:
    instance: str
    device: Device
    slot: str
    placed_at: datetime
    #: None while the customer has to resolve a problem first.
    expected_at: datetime | None
    status: str = "Processing"


@dataclass
class Orders:
    """All orders by their instance ids."""

    path: Path
    now: Callable[[], datetime]
    products: dict[str, Product]
    lead: timedelta
    #: If set, orders have a problem that the customer must resolve; no notification is sent before that.
    in_resolution: bool = False
    known: dict[str, Order] = field(default_factory=dict)

    def open_of(self, device: Device, slot: str) -> Order | None:
        """Return the slot's order that is not delivered yet."""
        for order in self.known.values():
            if order.device.serial == device.serial and order.slot == slot and self.is_open(order):
                return order
        return None

    def is_open(self, order: Order) -> bool:
        if order.status == "Cancelled":
            return False
        return order.status == "Processing" or order.expected_at is None or self.now() < order.expected_at

    def place(self, device: Device, slot: str) -> Order:
        """Create an order; the caller must have checked that none is open."""
        instance = f"amzn1.dash.v2.o.{len(self.known) + 1:06d}-{device.serial}"
        expected_at = None if self.in_resolution else self.now() + self.lead
        order = self.known[instance] = Order(instance, device, slot, self.now(), expected_at)
        self.write("placed", instance=instance, serial=device.serial, slot=slot, test=device.test)
        return order

    def settle(self, order: Order) -> None:
        """Continue an order after the customer has resolved its problem."""
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
        """Append a line to the log and fsync."""
        with self.path.open("ab") as log:
            log.write(json.dumps({"op": op, "occurred_at": self.now().isoformat(), **more}).encode() + b"\n")
            log.flush()
            os.fsync(log.fileno())


def notification(kind: str, device: Device, at: datetime, client_id: str, number: int) -> dict[str, Any]:
    """Return the fields common to all notifications."""
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
    """Return the order part of a notification, in version 1 or 2."""
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
    """Return slotsSubscriptionStatus, in version 1 or 2."""
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
