"""Builders of slots and reports."""

from dataclasses import replace

from replenish_contracts.events import FillCause, Reporter, SlotSpec
from services.consumption.domain.report import ReadingKind, Report
from services.consumption.domain.slot import Slot, new_slot
from services.consumption.domain.trigger import Trigger

DAY = 86_400.0
#: 2026-01-01
START = 20_454 * DAY
#: A capacity of which the levels in a test are so small a part that no reading is a jump.
WIDE = 10_000


def slot(level=100, at=START, **changes):
    spec = {"slot": "1", "product_id": "pods", "unit": "C62", "capacity": 100, "level": level}
    known = {key: changes.pop(key) for key in list(changes) if key in SlotSpec.model_fields}
    return replace(new_slot("ann", "brewer", SlotSpec(**(spec | known)), at), **changes)


def armed(level=100, **changes):
    fields = {"pool_id": "ann/pods", "epoch": 1, "at_level": 20, "at_days": 0.0, "shelf_and_on_order": 0}
    known = {key: changes.pop(key) for key in list(changes) if key in Slot.__dataclass_fields__ | SlotSpec.model_fields}
    return slot(level, trigger=Trigger(**(fields | changes)), **known)


def use(quantity=1, seq=None, boot="b1", at=START, **changes):
    return Report(at, at, flow=-quantity, boot=boot if seq else None, seq=seq, **changes)


def refill(quantity=50, seq=None, boot="b1", at=START):
    by = Reporter.PERSON
    return Report(at, at, flow=quantity, boot=boot if seq else None, seq=seq, by=by, cause=FillCause.REPORTED)


def measured(level, seq=None, boot="b1", at=START, kind=ReadingKind.MEASURED):
    by = Reporter.PERSON if kind is ReadingKind.CORRECTED else Reporter.DEVICE
    cause = FillCause.REPORTED if kind is ReadingKind.FILLED else FillCause.MEASURED
    return Report(at, at, level=level, kind=kind, boot=boot if seq else None, seq=seq, by=by, cause=cause)


def corrected(level, seq=None, boot="b1", at=START):
    return measured(level, seq, boot, at, ReadingKind.CORRECTED)


def filled(level=100, seq=None, boot="b1", at=START):
    return measured(level, seq, boot, at, ReadingKind.FILLED)
