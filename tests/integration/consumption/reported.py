"""Builders of records for consumption's handlers, and readers of its tables."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from libs.kit import Record
from replenish_contracts import wire
from replenish_contracts.events import (
    DeviceRegistered,
    Evidence,
    Line,
    OrderDelivered,
    SlotMeasured,
    SlotRefilled,
    SlotSpec,
    SlotUsed,
    TriggerSet,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
_numbers = itertools.count(1)


def at(hours=0.0):
    return NOON + timedelta(hours=hours)


def record(event, event_id=None):
    """Return the event as decoded by the hot path."""
    number = next(_numbers)
    said = wire.decoder("usage")(wire.encode(event, id=event_id or f"e{number}", source="/test", time=NOON))
    return Record(said.data, said.type, said.id, said.time, event.device_id, "usage", 0, number, b"")


def _fields(seq, boot, when, changes):
    counted = {"seq": seq, "boot": boot} if seq else {}
    return {"device_id": "brewer", "slot": "1", "occurred_at": when, "received_at": when} | counted | changes


def used(quantity=1, seq=None, boot="b1", when=NOON, event_id=None, **changes):
    return record(SlotUsed(quantity=quantity, **_fields(seq, boot, when, changes)), event_id)


def measured(level, seq=None, boot="b1", when=NOON, event_id=None, **changes):
    return record(SlotMeasured(level=level, **_fields(seq, boot, when, changes)), event_id)


def refilled(quantity=None, seq=None, boot="b1", when=NOON, event_id=None, **changes):
    return record(SlotRefilled(quantity=quantity, **_fields(seq, boot, when, changes)), event_id)


def spec(slot="1", **changes):
    return SlotSpec(**({"slot": slot, "product_id": "pods", "unit": "C62", "capacity": 100, "level": 100} | changes))


def registered(device_id="brewer", registration=1, slots=None, customer_id="ann"):
    return DeviceRegistered(
        customer_id=customer_id,
        device_id=device_id,
        registration=registration,
        credential_sha256="0" * 64,
        slots=slots or (spec(),),
    )


def trigger(epoch=1, at_level=20, device_id="brewer", slot="1", **changes):
    fields = {
        "customer_id": "ann",
        "product_id": "pods",
        "pool_id": "ann/pods",
        "at_days": 0.0,
        "shelf_and_on_order": 0,
    }
    return TriggerSet(device_id=device_id, slot=slot, epoch=epoch, at_level=at_level, **(fields | changes))


def line(line_id, slot, quantity, device_id="brewer"):
    return Line(
        line_id=line_id,
        product_id=line_id,
        pool_id=f"ann/{line_id}",
        device_id=device_id,
        slot=slot,
        quantity=quantity,
        unit="C62",
    )


def delivered(order_id="o1", quantity=50, device_id="brewer", slot="1", lines=()):
    return OrderDelivered(
        order_id=order_id,
        customer_id="ann",
        product_id="pods",
        pool_id="ann/pods",
        provider_id="acme",
        occurred_at=NOON,
        device_id=device_id,
        slot=slot,
        quantity=quantity,
        evidence=Evidence.REPORTED,
        lines=lines,
    )


async def slot_of(store, slot="1", device_id="brewer"):
    return (await store.lock_slots([(device_id, slot)]))[device_id, slot]


def settled(slot):
    """Return a slot with rounded estimates, so that two computations compare as equal."""

    def rounded(value):
        return float(f"{value:.9g}")

    rate = replace(slot.rate, use=rounded(slot.rate.use), days=rounded(slot.rate.days))
    gaps = tuple(replace(gap, variance=rounded(gap.variance)) for gap in slot.gaps)
    return replace(slot, rate=rate, variance=rounded(slot.variance), gaps=gaps)
