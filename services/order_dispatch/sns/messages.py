"""Parser of DRS notifications, for both versions and all spellings observed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson

from services.order_dispatch.domain.links import RemoteItem, RemoteSlot
from services.order_dispatch.providers.drs.calls import read_moment
from services.order_dispatch.providers.drs.words import remote_slots

#: Order in which the per-protocol texts of a wrapped message are searched.
TARGETS = ("default", "https", "http")
_TRAILING_COMMA = re.compile(r",(?=\s*[}\]])")
LONGEST_ID = 255


class UnreadableMessageError(Exception):
    """The message is not a DRS notification."""


class Kind(StrEnum):
    """Notification types, with DRS's names."""

    PLACED = "OrderPlacedNotification"
    SHIPPED = "ItemShippedNotification"
    CANCELLED = "OrderCancelledNotification"
    SUBSCRIPTION = "SubscriptionChangedNotification"
    REGISTERED = "DeviceRegisteredNotification"
    DEREGISTERED = "DeviceDeregisteredNotification"


@dataclass(frozen=True, slots=True)
class Notification:
    """A parsed notification."""

    kind: Kind
    sent_at: datetime
    serial: str
    customer: str | None
    instance_id: str | None = None
    remote_slot: str | None = None
    items: tuple[RemoteItem, ...] = ()
    expected_at: datetime | None = None
    slots: tuple[RemoteSlot, ...] = ()


def read(envelope: Mapping[str, Any]) -> Notification:
    """Parse the notification in an SNS message; unknown fields are ignored. Raises UnreadableMessageError."""
    body = _unwrapped(_loaded(envelope.get("Message")))
    about = _part(body, "notificationInfo")
    try:
        kind = Kind(str(_pick(about, "notificationType")))
    except ValueError:
        raise UnreadableMessageError(
            f"notificationType {_pick(about, 'notificationType')!r} is unknown"[:200]
        ) from None
    serial = _text(_pick(_part(_part(body, "deviceInfo"), "deviceIdentifier"), "serialNumber"))
    if serial is None:
        raise UnreadableMessageError("serialNumber is missing")
    sent_at = read_moment(_pick(about, "notificationTime")) or read_moment(envelope.get("Timestamp"))
    if sent_at is None:
        raise UnreadableMessageError("notificationTime is missing")
    customer = _text(_pick(_part(body, "customerInfo"), "directedCustomerId"))
    plain = Notification(kind, sent_at, serial, customer)
    if kind is Kind.SUBSCRIPTION:
        slots = remote_slots(_pick(_part(body, "subscriptionInfo"), "slotsSubscriptionStatus"))
        return Notification(kind, sent_at, serial, customer, slots=slots)
    if kind in {Kind.PLACED, Kind.SHIPPED, Kind.CANCELLED}:
        return _about_order(plain, _part(body, "orderInfo"))
    return plain


def _about_order(plain: Notification, order: Mapping[str, Any]) -> Notification:
    instance_id, slot = _text(_pick(order, "instanceId")), _text(_pick(order, "slotId"))
    if instance_id is None or slot is None:
        raise UnreadableMessageError("instanceId or slotId is missing")
    listed = _pick(order, "productInfo")
    products = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    dates = [read_moment(_pick(about, "estimatedDeliveryDate")) for about in (*products, order)]
    return Notification(
        plain.kind,
        plain.sent_at,
        plain.serial,
        plain.customer,
        instance_id,
        slot,
        tuple(_item(product) for product in products),
        # The latest of several dates, when the delivery is complete.
        max((date for date in dates if date is not None), default=None),
    )


def _item(product: Mapping[str, Any]) -> RemoteItem:
    quantity, unit = _pick(product, "quantity"), _pick(product, "unit")
    if isinstance(quantity, str):
        quantity = _number(quantity)
    counted = isinstance(quantity, int | float) and not isinstance(quantity, bool)
    return RemoteItem(
        str(_pick(product, "asin") or "")[:200], quantity if counted else None, unit if isinstance(unit, str) else None
    )


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _loaded(message: Any) -> Mapping[str, Any]:
    """Parse the message; tolerates trailing commas, which occur in the documentation's examples."""
    if not isinstance(message, str):
        raise UnreadableMessageError("Message is missing")
    if "\\u0000" in message:
        raise UnreadableMessageError("the Message contains U+0000, which cannot be stored")
    for text in (message, _TRAILING_COMMA.sub("", message)):
        try:
            parsed = orjson.loads(text)
        except orjson.JSONDecodeError:
            continue
        if isinstance(parsed, dict):
            return parsed
    raise UnreadableMessageError("the Message is not a JSON object")


def _unwrapped(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the notification, also from a message with one text per delivery protocol."""
    if _pick(body, "notificationInfo") is not None:
        return body
    for target in TARGETS:
        inner = body.get(target)
        inner = _loaded(inner) if isinstance(inner, str) else inner
        if isinstance(inner, dict):
            return inner
    raise UnreadableMessageError("the Message contains no notification")


def _pick(fields: Mapping[str, Any], name: str) -> Any:
    """Return a field by its case-insensitive name."""
    if name in fields:
        return fields[name]
    wanted = name.casefold()
    return next((value for key, value in fields.items() if key.casefold() == wanted), None)


def _part(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = _pick(fields, name)
    return found if isinstance(found, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= LONGEST_ID and "\0" not in value else None


__all__: Sequence[str] = ("Kind", "Notification", "UnreadableMessageError", "read")
