"""Decides whether a report makes sense for its device, and what exactly it says."""

import hashlib
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from replenish_contracts.events import BaseUnit, Reporter
from replenish_contracts.units import InvalidAmountError, format_quantity, parse_quantity
from services.gateway.domain.devices import Device, Slot
from services.gateway.domain.drafts import Draft, Measured, Refilled, Used, amount_of, type_of
from services.gateway.domain.explaining import REMEDIES
from services.gateway.domain.refusals import Refusal, refuse

#: Names reports that have no name of their own; changing it would make every repeat a new report.
REPORTS = UUID("6e1d7a5c-6c1b-4c52-9a0e-3f1f4d2b8a10")
NUL = "\0"


class Sense(NamedTuple):
    """What no honest report exceeds."""

    largest_capacities: int
    future: timedelta
    oldest: datetime


class Report(NamedTuple):
    """A report that is believed: its type, its id and the fields of its event."""

    type: str
    id: str
    said: dict[str, Any]


def judge(draft: Draft, device: Device, now: datetime, sense: Sense, person: bool) -> Report | Refusal:
    """Return the report in the slot's steps, or the first reason why it cannot be taken.

    `person` says who speaks where a level does not: somebody who looked, or the device.
    """
    if wrong := _wrong_text(draft):
        return wrong
    slot = device.slots.get(draft.slot) if draft.slot else None
    if slot is None:
        return _unknown_slot(draft, device)
    at = draft.occurred_at or now
    if wrong := _wrong_time(at, now, sense):
        return wrong
    steps = _steps(draft, slot, sense)
    if isinstance(steps, Refusal):
        return steps
    return _no_identity(draft, steps) or _report(draft, device, steps, (at, now), person)


@lru_cache(maxsize=16_384)
def steps_of(amount: str | float, unit: str | None, base: BaseUnit, scale: int) -> int:
    """Return an amount in steps; without a unit it is meant in the slot's base unit."""
    return parse_quantity(amount, unit or base, base=base, scale=scale)


def _wrong_text(draft: Draft) -> Refusal | None:
    """Refuse U+0000, which no table keeps."""
    for field in ("slot", "boot", "id"):
        text = getattr(draft, field)
        if text and NUL in text:
            return refuse("invalid_field", field, "the text contains U+0000", REMEDIES[field])
    return None


def _unknown_slot(draft: Draft, device: Device) -> Refusal:
    if draft.slot is None:
        return refuse("missing_field", "slot", "the report does not say its slot", REMEDIES["slot"])
    known = ", ".join(list(device.slots)[:20])
    return refuse("unknown_slot", "slot", f"the device has no slot {draft.slot[:60]!r}", f"its slots are: {known}")


def _wrong_time(at: datetime, now: datetime, sense: Sense) -> Refusal | None:
    remedy = "set the device's clock, or leave `at` out: then the time of receipt counts"
    if at < sense.oldest:
        return refuse("time_ancient", "occurred_at", f"{at.isoformat()} is before {sense.oldest.year}", remedy)
    if at > now + sense.future:
        return refuse(
            "time_in_future", "occurred_at", f"{at.isoformat()} is in the future; here it is {now.isoformat()}", remedy
        )
    return None


def _steps(draft: Draft, slot: Slot, sense: Sense) -> int | Refusal | None:
    name, amount = amount_of(draft)
    if amount is None:
        return None
    try:
        steps = steps_of(amount, draft.unit, slot.unit, slot.scale)
    except InvalidAmountError as error:
        return _wrong_amount(error, name)
    return _too_much(name, slot, sense) if steps > sense.largest_capacities * slot.capacity else steps


def _wrong_amount(wrong: InvalidAmountError, name: str) -> Refusal:
    about_unit = wrong.code in {"unknown_unit", "ambiguous_unit", "wrong_dimension"}
    return refuse(wrong.code, "unit" if about_unit else name, wrong.problem, wrong.remedy)


def _too_much(name: str, slot: Slot, sense: Sense) -> Refusal:
    capacity = format_quantity(slot.capacity, slot.scale)
    problem = f"more than {sense.largest_capacities} times what the slot holds ({capacity} {slot.unit})"
    return refuse("quantity_too_large", name, problem, "check the unit and the decimal point")


def _no_identity(draft: Draft, steps: int | None) -> Refusal | None:
    if (draft.boot is None) != (draft.seq is None):
        missing = "boot" if draft.boot is None else "seq"
        return refuse("missing_field", missing, "boot and seq name a report only together", REMEDIES[missing])
    is_delta = isinstance(draft, Used) or (isinstance(draft, Refilled) and steps is not None)
    if is_delta and draft.seq is None and draft.id is None and draft.occurred_at is None:
        problem = "nothing tells a repeat of this report from a second one"
        return refuse("no_identity", "id", problem, "send boot and seq, or an id, or at least the time `at`")
    return None


def _report(draft: Draft, device: Device, steps: int | None, times: tuple[datetime, datetime], person: bool) -> Report:
    at, now = times
    report_id = draft.id or _name_of(draft, device, steps, at)
    said: dict[str, Any] = {
        "device_id": device.device_id,
        "slot": draft.slot,
        amount_of(draft)[0]: steps,
        "boot": draft.boot,
        "seq": draft.seq,
        "registration": device.registration,
        "occurred_at": at.astimezone(UTC),
        "received_at": now,
    }
    if draft.seq is None:
        said["report_id"] = report_id
    if isinstance(draft, Measured):
        said["by"] = draft.by or (Reporter.PERSON if person else Reporter.DEVICE)
    elif isinstance(draft, Refilled):
        said["by"] = draft.by or Reporter.PERSON
    return Report(type_of(draft), report_id, said)


def _name_of(draft: Draft, device: Device, steps: int | None, at: datetime) -> str:
    """Return the same id for the same report, however often and through whichever replica it comes."""
    if draft.seq is not None:
        words: tuple[object, ...] = (device.device_id, draft.slot, draft.boot, draft.seq)
    else:
        words = (device.device_id, draft.slot, type_of(draft), at.astimezone(UTC).isoformat(), steps)
    return _uuid5("\x1f".join(map(str, words)))


def _uuid5(name: str) -> str:
    """Return str(uuid5(REPORTS, name)) in a quarter of the time."""
    digest = hashlib.sha1(REPORTS.bytes + name.encode(), usedforsecurity=False).hexdigest()
    variant = "89ab"[int(digest[16], 16) & 3]
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"
