"""Parses DRS notifications, in both versions and all observed spellings, and translates those about orders."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction
from typing import Any

import orjson

from replenish_contracts.events import OrderUpdated, UpdateNote, UpdateStatus
from replenish_contracts.tolerant import as_word, normalize_word
from replenish_contracts.units import BaseUnit, InvalidAmountError, parse_quantity
from services.order_dispatch.domain.links import RemoteItem, RemoteSlot
from services.order_dispatch.domain.order import Order
from services.order_dispatch.domain.promises import latest_promise, promise_fields
from services.order_dispatch.domain.quantities import explain_packs
from services.order_dispatch.providers.drs.messages import parse_time
from services.order_dispatch.providers.drs.slots import remote_slots
from services.order_dispatch.providers.parsing import parse_promise

#: Order in which the per-protocol texts of a wrapped message are searched.
TARGETS = ("default", "https", "http")
_TRAILING_COMMA = re.compile(r",(?=\s*[}\]])")
LONGEST_TEXT = 255


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
    #: About an order, and of an unknown type.
    OTHER = "other"


#: The words of `notificationType`, with the other spelling of cancelled.
KINDS = {normalize_word(kind): kind for kind in Kind if kind is not Kind.OTHER} | {
    "order_canceled_notification": Kind.CANCELLED
}


@dataclass(frozen=True, slots=True)
class Notification:
    kind: Kind
    sent_at: datetime
    serial: str
    customer: str | None
    instance_id: str | None = None
    remote_slot: str | None = None
    items: tuple[RemoteItem, ...] = ()
    #: The estimated delivery: DRS documents a timestamp, such as the last second of a day in the Pacific time zone;
    #: some messages have a date, or its first second in UTC.
    expected_at: datetime | None = None
    expected_date: date | None = None
    slots: tuple[RemoteSlot, ...] = ()
    #: The type of an OTHER notification.
    word: str | None = None
    #: Details that cannot be read.
    notes: tuple[UpdateNote, ...] = ()


def parse_notification(envelope: Mapping[str, Any]) -> Notification:
    """Parse the notification in an SNS message; unknown fields are ignored. Raises UnreadableMessageError."""
    body = _unwrap(_parse_body(envelope.get("Message")))
    about = _object(body, "notificationInfo")
    word = _field(about, "notificationType")
    kind = KINDS.get(normalize_word(word), Kind.OTHER) if isinstance(word, str) else Kind.OTHER
    if kind is Kind.OTHER and _field(_object(body, "orderInfo"), "instanceId") is None:
        raise UnreadableMessageError(f"notificationType {word!r} is unknown"[:200])
    serial = _text(_field(_object(_object(body, "deviceInfo"), "deviceIdentifier"), "serialNumber"))
    if serial is None:
        raise UnreadableMessageError("serialNumber is missing")
    sent_at = parse_time(_field(about, "notificationTime")) or parse_time(envelope.get("Timestamp"))
    if sent_at is None:
        raise UnreadableMessageError("notificationTime is missing")
    customer = _text(_field(_object(body, "customerInfo"), "directedCustomerId"))
    plain = Notification(kind, sent_at, serial, customer)
    if kind is Kind.SUBSCRIPTION:
        slots = remote_slots(_field(_object(body, "subscriptionInfo"), "slotsSubscriptionStatus"))
        return Notification(kind, sent_at, serial, customer, slots=slots)
    if kind in STATUSES:
        with_order = _with_order(plain, _object(body, "orderInfo"))
        return replace(with_order, word=as_word(word)) if kind is Kind.OTHER else with_order
    return plain


def _with_order(plain: Notification, order: Mapping[str, Any]) -> Notification:
    instance_id, slot = _text(_field(order, "instanceId")), _text(_field(order, "slotId"))
    if instance_id is None or slot is None:
        raise UnreadableMessageError("instanceId or slotId is missing")
    listed = _field(order, "productInfo")
    products = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    dates = [parse_promise(_field(about, "estimatedDeliveryDate")) for about in (*products, order)]
    return Notification(
        plain.kind,
        plain.sent_at,
        plain.serial,
        plain.customer,
        instance_id,
        slot,
        tuple(_item(product) for product in products),
        # The latest of several dates, when the delivery is complete.
        **promise_fields(latest_promise(date for date in dates if date is not None)),
        notes=_notes(order, products),
    )


def _notes(order: Mapping[str, Any], products: list[dict[str, Any]]) -> tuple[UpdateNote, ...]:
    """Return notes about dates and products that cannot be read."""
    notes, listed = [], _field(order, "productInfo")
    if listed is not None and (not isinstance(listed, list) or len(products) < len(listed)):
        notes.append(UpdateNote.about("productInfo", listed, "not a list of products"))
    for about in (*products, order):
        date = _field(about, "estimatedDeliveryDate")
        if date is not None and parse_promise(date) is None:
            notes.append(UpdateNote.about("estimatedDeliveryDate", date, "not a date or a time"))
    return tuple(notes)


def _item(product: Mapping[str, Any]) -> RemoteItem:
    quantity, unit = _field(product, "quantity"), _field(product, "unit")
    if isinstance(quantity, str):
        quantity = _parse_number(quantity)
    counted = isinstance(quantity, int | float) and not isinstance(quantity, bool)
    return RemoteItem(
        str(_field(product, "asin") or "")[:200], quantity if counted else None, unit if isinstance(unit, str) else None
    )


def _parse_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _parse_body(message: Any) -> Mapping[str, Any]:
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


def _unwrap(body: Mapping[str, Any]) -> Mapping[str, Any]:
    if _field(body, "notificationInfo") is not None:
        return body
    for target in TARGETS:
        inner = body.get(target)
        inner = _parse_body(inner) if isinstance(inner, str) else inner
        if isinstance(inner, dict):
            return inner
    raise UnreadableMessageError("the Message contains no notification")


def _field(fields: Mapping[str, Any], name: str) -> Any:
    if name in fields:
        return fields[name]
    wanted = name.casefold()
    return next((value for key, value in fields.items() if key.casefold() == wanted), None)


def _object(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = _field(fields, name)
    return found if isinstance(found, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= LONGEST_TEXT and "\0" not in value else None


#: Limit of our order ids; DRS instance ids of up to 255 characters are cut to it.
LONGEST_ORDER_ID = 200
#: Notification types mapped to our statuses.
STATUSES = {
    Kind.PLACED: UpdateStatus.ACCEPTED,
    Kind.SHIPPED: UpdateStatus.SHIPPED,
    Kind.CANCELLED: UpdateStatus.CANCELLED,
    Kind.OTHER: UpdateStatus.UNCLEAR,
}


def update_of(notification: Notification, order: Order, update_id: str) -> OrderUpdated:
    """Build the update for this order; an ambiguous quantity is omitted and explained in `reason` and a note."""
    quantity, problem = quantity_of(notification, order)
    shipped = notification.kind is Kind.SHIPPED
    reason = "cancelled at the provider" if notification.kind is Kind.CANCELLED else problem if shipped else None
    is_unclear = shipped and problem is not None
    sent = [{"quantity": item.quantity, "unit": item.unit} for item in notification.items]
    return OrderUpdated(
        provider_id=order.provider_id,
        update_id=update_id,
        order_id=order.order_id,
        status=STATUSES[notification.kind],
        occurred_at=notification.sent_at,
        expected_at=notification.expected_at,
        expected_date=notification.expected_date,
        quantity=quantity if shipped else None,
        reason=reason,
        word=notification.word,
        notes=notification.notes + ((UpdateNote.about("quantity", sent, problem or ""),) if is_unclear else ()),
    )


def unmatched_update(notification: Notification, provider_id: str, update_id: str) -> OrderUpdated:
    """Build the update for an order that was not placed by us; its instance id serves as order id."""
    return OrderUpdated(
        provider_id=provider_id,
        update_id=update_id,
        order_id=(notification.instance_id or "unnamed")[:LONGEST_ORDER_ID],
        status=STATUSES[notification.kind],
        occurred_at=notification.sent_at,
        expected_at=notification.expected_at,
        expected_date=notification.expected_date,
        reason="ordered directly at the provider",
        word=notification.word,
        notes=notification.notes,
    )


def quantity_of(notification: Notification, order: Order) -> tuple[int | None, str | None]:
    """Return the total in base steps of the order's slot, or None with the reason.

    DRS's samples have `1.0 count` for one item of any size, so a count that is at most the number of packs is unclear
    if the slot counts pieces, even if it is a multiple of the pack size. Of a slot that is weighed or filled by volume,
    a count can only be packs: that of all packs is no reason to doubt.
    """
    steps, line = 0, order.lines[0]
    if _counted(notification.items) == line.packs and line.unit is not BaseUnit.EACH:
        return None, None
    for item in notification.items:
        if item.quantity is None or item.unit is None:
            return None, "a quantity or unit is missing"
        try:
            steps += parse_quantity(item.quantity, item.unit, base=line.unit, scale=line.scale)
        except InvalidAmountError as error:
            return None, f"{item.quantity} {item.unit}: {error.problem}"[:500]
    pieces = Fraction(steps, 10**line.scale)
    if line.unit is BaseUnit.EACH and 0 < pieces <= line.packs and steps != line.quantity:
        return None, f"{pieces} {explain_packs(line)}"
    return (steps, None) if steps else (None, None)


def _counted(items: Sequence[RemoteItem]) -> float | None:
    """Return the total of items that are all counted; None if one of them has another unit."""
    total = 0.0
    for item in items:
        try:
            parse_quantity(item.quantity or 0, item.unit or "", base=BaseUnit.EACH, scale=0)
        except InvalidAmountError:
            return None
        total += item.quantity or 0
    return total or None
