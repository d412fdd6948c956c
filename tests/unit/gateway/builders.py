"""Builders of devices and reports."""

from datetime import UTC, datetime, timedelta

from replenish_contracts.events import BaseUnit
from services.gateway.domain.devices import Device, Slot
from services.gateway.domain.reports import LevelReport, RefillReport, UsageReport
from services.gateway.domain.validation import ReportLimits
from services.gateway.facades.plain_json import BodyLimits

NOW = datetime(2026, 1, 31, 8, tzinfo=UTC)
REPORT_LIMITS = ReportLimits(max_capacities=100, max_clock_ahead=timedelta(hours=24), max_age=timedelta(days=366))
BODY_LIMITS = BodyLimits(reports=1000, depth=32)


def device(**slots):
    """Return a device with a slot of coffee in grams, one of pods, and the given ones."""
    known = {"coffee": Slot(BaseUnit.GRAM, 0, 1000), "pods": Slot(BaseUnit.EACH, 0, 60)} | slots
    return Device("machine-1", "customer-1", 1, known)


def usage(**fields):
    return UsageReport(**({"slot": "pods", "quantity": 1, "boot": "b", "seq": 1} | fields))


def level(**fields):
    return LevelReport(**({"slot": "coffee", "level": 500, "boot": "b", "seq": 1} | fields))


def refill(**fields):
    return RefillReport(**({"slot": "pods"} | fields))
