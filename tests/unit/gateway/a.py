"""Builders of what the gateway's tests talk about."""

from datetime import UTC, datetime, timedelta

from replenish_contracts.events import BaseUnit
from services.gateway.domain.bodies import Bounds
from services.gateway.domain.devices import Device, Slot
from services.gateway.domain.drafts import Measured, Refilled, Used
from services.gateway.domain.judging import Sense

NOW = datetime(2026, 1, 31, 8, tzinfo=UTC)
SENSE = Sense(largest_capacities=100, future=timedelta(hours=24), oldest=datetime(2000, 1, 1, tzinfo=UTC))
BOUNDS = Bounds(reports=1000, depth=32)


def device(**slots):
    """A device with a slot of coffee in grams, one of pods, and those named."""
    known = {"coffee": Slot(BaseUnit.GRAM, 0, 1000), "pods": Slot(BaseUnit.EACH, 0, 60)} | slots
    return Device("machine-1", "customer-1", 1, known)


def used(**fields):
    return Used(**({"slot": "pods", "quantity": 1, "boot": "b", "seq": 1} | fields))


def measured(**fields):
    return Measured(**({"slot": "coffee", "level": 500, "boot": "b", "seq": 1} | fields))


def refilled(**fields):
    return Refilled(**({"slot": "pods"} | fields))
