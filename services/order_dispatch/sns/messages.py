"""What a DRS notification says, in both versions and in all the spellings that have been seen."""

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

#: In which of the wrapped texts of one message the notification is looked for.
TARGETS = ("default", "https", "http")
_TRAILING_COMMA = re.compile(r",(?=\s*[}\]])")
LONGEST_ID = 255


class Unreadable(Exception):  # noqa: N818  # what happened
    """The message is no notification of DRS."""


class Kind(StrEnum):
    """What happened; the names are DRS's."""

    PLACED = "OrderPlacedNotification"
    SHIPPED = "ItemShippedNotification"
    CANCELLED = "OrderCancelledNotification"
    SUBSCRIPTION = "SubscriptionChangedNotification"
    REGISTERED = "DeviceRegisteredNotification"
    DEREGISTERED = "DeviceDeregisteredNotification"


@dataclass(frozen=True, slots=True)
class Notification:
    """One notification, read."""

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
    """Return the notification in an SNS message; raises Unreadable. Fields nobody knows are ignored."""
    said = _unwrapped(_loaded(envelope.get("Message")))
    about = _part(said, "notificationInfo")
    try:
        kind = Kind(str(_pick(about, "notificationType")))
    except ValueError:
        raise Unreadable(f"notificationType {_pick(about, 'notificationType')!r} is not known"[:200]) from None
    serial = _text(_pick(_part(_part(said, "deviceInfo"), "deviceIdentifier"), "serialNumber"))
    if serial is None:
        raise Unreadable("there is no serialNumber")
    sent_at = read_moment(_pick(about, "notificationTime")) or read_moment(envelope.get("Timestamp"))
    if sent_at is None:
        raise Unreadable("there is no notificationTime")
    customer = _text(_pick(_part(said, "customerInfo"), "directedCustomerId"))
    plain = Notification(kind, sent_at, serial, customer)
    if kind is Kind.SUBSCRIPTION:
        slots = remote_slots(_pick(_part(said, "subscriptionInfo"), "slotsSubscriptionStatus"))
        return Notification(kind, sent_at, serial, customer, slots=slots)
    if kind in {Kind.PLACED, Kind.SHIPPED, Kind.CANCELLED}:
        return _about_order(plain, _part(said, "orderInfo"))
    return plain


def _about_order(plain: Notification, order: Mapping[str, Any]) -> Notification:
    instance_id, slot = _text(_pick(order, "instanceId")), _text(_pick(order, "slotId"))
    if instance_id is None or slot is None:
        raise Unreadable("there is no instanceId or no slotId")
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
        # Of several the last: before that, not all of it is there.
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
    """Return the JSON of a message; commas before a closing bracket are the documentation's own mistake."""
    if not isinstance(message, str):
        raise Unreadable("there is no Message")
    if "\\u0000" in message:
        raise Unreadable("the Message has U+0000 in it, which no database keeps")
    for text in (message, _TRAILING_COMMA.sub("", message)):
        try:
            said = orjson.loads(text)
        except orjson.JSONDecodeError:
            continue
        if isinstance(said, dict):
            return said
    raise Unreadable("the Message is no JSON object")


def _unwrapped(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the notification itself where the message has a text for each kind of receiver."""
    if _pick(said, "notificationInfo") is not None:
        return said
    for target in TARGETS:
        inner = said.get(target)
        inner = _loaded(inner) if isinstance(inner, str) else inner
        if isinstance(inner, dict):
            return inner
    raise Unreadable("the Message has nothing for us")


def _pick(said: Mapping[str, Any], name: str) -> Any:
    """Return a field by its name, however it is capitalised."""
    if name in said:
        return said[name]
    wanted = name.casefold()
    return next((value for key, value in said.items() if key.casefold() == wanted), None)


def _part(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = _pick(said, name)
    return found if isinstance(found, dict) else {}


def _text(said: Any) -> str | None:
    return said if isinstance(said, str) and 0 < len(said) <= LONGEST_ID and "\0" not in said else None


__all__: Sequence[str] = ("Kind", "Notification", "Unreadable", "read")
