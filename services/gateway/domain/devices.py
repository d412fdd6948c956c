"""What a report's device is known to be."""

import msgspec

from replenish_contracts.events import BaseUnit, SlotSpec


class Slot(msgspec.Struct, frozen=True, gc=False):
    """How one slot counts."""

    unit: BaseUnit
    scale: int
    capacity: int


class Device(msgspec.Struct, frozen=True):
    """One registration of a device and the slots it may report."""

    device_id: str
    customer_id: str
    registration: int
    slots: dict[str, Slot]


def slots_of(specs: tuple[SlotSpec, ...]) -> dict[str, Slot]:
    """Return what judging a report needs to know of each slot."""
    return {spec.slot: Slot(spec.unit, spec.scale, spec.capacity) for spec in specs}
