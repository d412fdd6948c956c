"""Validation of a report against its device: slot, time, amount and identity."""

import hashlib
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from replenish_contracts.events import Reporter
from replenish_contracts.units import (
    SYMBOLS,
    BaseUnit,
    Conversion,
    InvalidAmountError,
    UnitSystem,
    convert_quantity,
    format_quantity,
)
from services.gateway.domain.devices import Device, Slot
from services.gateway.domain.refusals import REMEDIES, Refusal
from services.gateway.domain.reports import LevelReport, RefillReport, Report, UsageReport, amount_of, type_of

#: UUID namespace of derived report ids. With another one, a repeated report would get a new id and count twice.
REPORT_NAMESPACE = UUID("6e1d7a5c-6c1b-4c52-9a0e-3f1f4d2b8a10")
NUL = "\0"


#: Percent of a slot's capacity that a level may reach: foam, a sloping floor or an overfilled jar read above 100.
MAX_LEVEL_PERCENT = 110


class ReportLimits(NamedTuple):
    """Bounds of plausible reports: quantity as a multiple of the capacity, clock ahead of ours, age."""

    max_capacities: int
    max_clock_ahead: timedelta
    max_age: timedelta


class Note(NamedTuple):
    """What was kept instead of what an accepted report contains, and why. Codes are stable, texts are not."""

    code: str
    field: str
    sent: str
    kept: str
    problem: str
    remedy: str


class ValidReport(NamedTuple):
    """Event type, id and event fields of an accepted report."""

    type: str
    id: str
    data: dict[str, Any]
    notes: tuple[Note, ...] = ()


def validate(
    report: Report, device: Device, now: datetime, limits: ReportLimits, from_person: bool
) -> ValidReport | Refusal:
    """Return the report with its amount in the slot's steps, or its first error.

    `from_person` is the default of `by` for a level: the sender is a person with a token, not a device.
    """
    for field in ("slot", "boot", "id"):
        if NUL in (getattr(report, field) or ""):  # Postgres cannot store U+0000
            return Refusal("invalid_field", field, "the text contains U+0000", REMEDIES[field])
    slot = device.slots.get(report.slot) if report.slot else None
    if slot is None:
        return _unknown_slot(report, device)
    occurred_at, notes = _settle_clock(report, now, limits)
    if refusal := _check_time(occurred_at, now, limits):
        return refusal
    converted = _convert_amount(report, slot, limits)
    if isinstance(converted, Refusal):
        return converted
    steps, exact = converted
    if not exact:
        notes = (*notes, _rounded(report, slot, steps))
    if refusal := _check_identity(report, steps):
        return refusal
    valid = _accept(report, device, steps, (occurred_at, now), from_person)
    return valid._replace(notes=notes) if notes else valid


@lru_cache(maxsize=16_384)
def parse_steps(  # positional, because the cache's keys are smaller that way
    amount: str | float, unit: str | None, base: BaseUnit, scale: int, system: UnitSystem | None, measured: bool
) -> Conversion:
    """Return an amount in steps; the default unit is the slot's base unit. A measured amount may be rounded."""
    return convert_quantity(amount, unit or base, base=base, scale=scale, system=system, measured=measured)


def _unknown_slot(report: Report, device: Device) -> Refusal:
    if report.slot is None:
        return Refusal("missing_field", "slot", "the field is required", REMEDIES["slot"])
    known = ", ".join(list(device.slots)[:20])
    return Refusal("unknown_slot", "slot", f"the device has no slot {report.slot[:60]!r}", f"its slots are: {known}")


def _settle_clock(report: Report, now: datetime, limits: ReportLimits) -> tuple[datetime, tuple[Note, ...]]:
    """Return when the report happened: when it was received, if it has another identity and the clock was not set."""
    at = report.occurred_at or now
    if at >= now - limits.max_age or (report.seq is None and report.id is None):
        return at, ()
    problem = "the device's clock was not set, so the time of receipt is used"
    remedy = "set the device's clock, or omit the field"
    return now, (Note("clock_not_set", "occurred_at", at.isoformat(), now.isoformat(), problem, remedy),)


def _check_time(occurred_at: datetime, now: datetime, limits: ReportLimits) -> Refusal | None:
    time = occurred_at.isoformat()
    if occurred_at < now - limits.max_age:
        problem = f"{time} is more than {limits.max_age.days} days ago, and nothing else identifies the report"
        remedy = "set the device's clock, or send boot and seq, or id: the time of receipt is then used"
        return Refusal("time_ancient", "occurred_at", problem, remedy)
    if occurred_at > now + limits.max_clock_ahead:
        problem = f"{time} is in the future; the server's time is {now.isoformat()}"
        remedy = "set the device's clock, or omit the field to use the time of receipt"
        return Refusal("time_in_future", "occurred_at", problem, remedy)
    return None


def _convert_amount(report: Report, slot: Slot, limits: ReportLimits) -> Conversion | tuple[None, bool] | Refusal:
    """Return the amount in steps; None for a refill without quantity, which filled the slot."""
    name, amount = amount_of(report)
    if amount is None:
        return None, True
    measured = isinstance(report, LevelReport)
    try:
        converted = parse_steps(amount, report.unit, slot.unit, slot.scale, slot.system, measured)
    except InvalidAmountError as error:
        field = "unit" if error.code in {"unknown_unit", "ambiguous_unit", "wrong_dimension"} else name
        return Refusal(error.code, field, error.problem, error.remedy)
    capacity = slot.capacity
    if measured and converted.steps * 100 > capacity * MAX_LEVEL_PERCENT:
        problem = f"{_written(report)} is above the slot's capacity of {_quantity(capacity, slot)}"
        remedy = "check the sensor and the unit; if the slot holds more, register the device with its real capacity"
        return Refusal("level_above_capacity", name, problem, remedy)
    if converted.steps > limits.max_capacities * capacity:
        problem = f"more than {limits.max_capacities} times the slot's capacity of {_quantity(capacity, slot)}"
        return Refusal("quantity_too_large", name, problem, "check the unit and the decimal point")
    return converted


def _rounded(report: Report, slot: Slot, steps: int | None) -> Note:
    name, _ = amount_of(report)
    kept, step = _quantity(steps or 0, slot), _quantity(1, slot)
    problem = f"the amount is not a whole number of the slot's steps of {step}, so it was rounded"
    remedy = f"send a multiple of {step}, or register the slot with a larger scale"
    return Note("rounded", name, _written(report), kept, problem, remedy)


def _written(report: Report) -> str:
    return f"{str(amount_of(report)[1])[:40]} {report.unit or ''}".strip()


def _quantity(steps: int, slot: Slot) -> str:
    return f"{format_quantity(steps, slot.scale)} {SYMBOLS[slot.unit]}".strip()


def _check_identity(report: Report, steps: int | None) -> Refusal | None:
    if (report.boot is None) != (report.seq is None):
        missing = "boot" if report.boot is None else "seq"
        return Refusal("missing_field", missing, "boot and seq are required together", REMEDIES[missing])
    is_delta = isinstance(report, UsageReport) or (isinstance(report, RefillReport) and steps is not None)
    if is_delta and report.seq is None and report.id is None and report.occurred_at is None:
        problem = "a repeat of this report could not be recognized"
        return Refusal("no_identity", "id", problem, "send boot and seq, or id, or at least occurred_at")
    return None


def _accept(
    report: Report, device: Device, steps: int | None, times: tuple[datetime, datetime], from_person: bool
) -> ValidReport:
    occurred_at, received_at = times
    report_id = report.id or _derive_id(report, device, steps, occurred_at)
    data: dict[str, Any] = {
        "device_id": device.device_id,
        "slot": report.slot,
        amount_of(report)[0]: steps,
        "boot": report.boot,
        "seq": report.seq,
        "registration": device.registration,
        "occurred_at": occurred_at.astimezone(UTC),
        "received_at": received_at,
    }
    if report.seq is None:
        data["report_id"] = report_id
    if isinstance(report, LevelReport):
        data["by"] = report.by or (Reporter.PERSON if from_person else Reporter.DEVICE)
    elif isinstance(report, RefillReport):
        data["by"] = report.by or Reporter.PERSON
    return ValidReport(type_of(report), report_id, data)


def _derive_id(report: Report, device: Device, steps: int | None, occurred_at: datetime) -> str:
    """Return the same UUID for each repeat of a report, in every replica."""
    if report.seq is not None:
        parts: tuple[object, ...] = (device.device_id, report.slot, report.boot, report.seq)
    else:
        parts = (device.device_id, report.slot, type_of(report), occurred_at.astimezone(UTC).isoformat(), steps)
    name = "\x1f".join(map(str, parts))
    # str(uuid5(REPORT_NAMESPACE, name)) takes four times as long.
    digest = hashlib.sha1(REPORT_NAMESPACE.bytes + name.encode(), usedforsecurity=False).hexdigest()
    variant = "89ab"[int(digest[16], 16) & 3]
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"
