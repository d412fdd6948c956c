"""Conversion between rows of `slot` and `slot_spec` and the domain's Slot."""

from typing import Any

import asyncpg

from replenish_contracts.events import BaseUnit, Fill, Loading
from services.consumption.domain.days import Days
from services.consumption.domain.rate import Rate
from services.consumption.domain.slot import Books, Slot, Spec
from services.consumption.domain.trigger import Trigger


def as_slot(row: asyncpg.Record) -> Slot:
    return Slot(
        row["device_id"],
        row["slot"],
        _spec(row),
        Books(row["opening"], row["received"], row["used_total"], row["unreported"], row["unexplained"]),
        Rate(row["rate_use"], row["rate_days"], row["used_at"]),
        Days(row["used_before_today"], tuple(row["finished_days"] or ())),
        row["received_at"],
        row["variance"],
        row["boot"],
        row["boot_no"],
        row["last_seq"],
        quarantined=row["quarantined"],
        duplicates=row["duplicates"],
        trigger=_trigger(row),
        linked=row["linked"],
        read_at=row["read_at"],
        interval=row["reading_interval"],
    )


def _spec(row: asyncpg.Record) -> Spec:
    return Spec(
        row["customer_id"],
        row["product_id"],
        row["name"],
        BaseUnit(row["unit"]),
        row["scale"],
        row["capacity"],
        Loading(row["loading"]),
        Fill(row["fill"]),
        row["registration"],
    )


def _trigger(row: asyncpg.Record) -> Trigger:
    return Trigger(
        row["pool_id"],
        row["epoch"],
        row["at_level"],
        row["at_days"],
        row["shelf_and_on_order"],
        row["reports"],
        row["follow"],
        row["armed"],
        row["below"],
    )


def as_row(slot: Slot) -> tuple[Any, ...]:
    """Return the parameters of save_slots in their order."""
    books, rate, trigger = slot.books, slot.rate, slot.trigger
    return (
        *(slot.device_id, slot.slot, slot.level, slot.last_seq, books.used_total),
        *(rate.use, rate.days, rate.until, slot.received_at, slot.variance, slot.days.before_today),
        *(trigger.at_level, trigger.at_days, trigger.shelf_and_on_order),
        *(books.opening, books.received, books.unreported, books.unexplained, slot.duplicates),
        *(slot.boot_no, len(slot.gaps), trigger.reports, trigger.below, trigger.armed, trigger.follow),
        *(slot.read_at, slot.interval, slot.jumped, slot.is_plain, slot.quarantined, slot.boot),
        "{" + ",".join(map(str, slot.days.finished)) + "}" if slot.days.finished else None,
    )
