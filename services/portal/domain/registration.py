"""Converts the description of a device into slots that count in whole steps."""

from collections.abc import Sequence
from dataclasses import dataclass

from replenish_contracts.events import BaseUnit, Fill, Loading, SlotMove, SlotSpec
from replenish_contracts.units import InvalidAmountError, UnitSystem, base_unit, find_unit, parse_quantity, unit_system

Amount = str | int | float
FULL_PERCENT = 100


class InvalidDeviceError(Exception):
    """A device description is invalid; contains the field, the problem and the remedy."""

    def __init__(self, field: str, problem: str, remedy: str, code: str = "invalid") -> None:
        super().__init__(f"{field}: {problem}")
        self.field, self.problem, self.remedy, self.code = field, problem, remedy, code


@dataclass(frozen=True)
class Quantity:
    """An amount as entered; the unit defaults to the slot's."""

    quantity: Amount
    unit: str | None = None


@dataclass(frozen=True)
class SlotForm:
    """Description of one slot as submitted."""

    slot: str
    product_id: str
    unit: str
    capacity: Quantity
    name: str = ""
    scale: int = 0
    level: Quantity | None = None
    loading: Loading = Loading.BY_HAND
    fill: Fill = Fill.ADD
    unit_system: UnitSystem | None = None

    @property
    def system(self) -> UnitSystem | None:
        """Return the system as submitted, else the one that the unit names."""
        return self.unit_system or unit_system(self.unit)


def slot_specs(forms: Sequence[SlotForm]) -> tuple[SlotSpec, ...]:
    """Return the slots in whole steps of their base units; raises InvalidDeviceError for the first invalid one."""
    seen: set[str] = set()
    specs = []
    for index, slot in enumerate(forms):
        if slot.slot in seen:
            raise InvalidDeviceError(
                f"slots.{index}.slot", f"{slot.slot!r} is used twice", "give each slot a unique name"
            )
        seen.add(slot.slot)
        specs.append(_specify(slot, f"slots.{index}"))
    return tuple(specs)


def _specify(slot: SlotForm, path: str) -> SlotSpec:
    try:
        base = base_unit(slot.unit)
        find_unit(slot.unit, base, slot.system)
    except InvalidAmountError as error:
        raise InvalidDeviceError(f"{path}.unit", error.problem, error.remedy, error.code) from None
    capacity = _steps(slot.capacity, slot, base, f"{path}.capacity")
    if capacity < 1:
        raise InvalidDeviceError(
            f"{path}.capacity",
            "the capacity is less than one step",
            "send the amount that a full slot holds",
            "out_of_range",
        )
    if base is BaseUnit.PERCENT and capacity > FULL_PERCENT * 10**slot.scale:
        raise InvalidDeviceError(f"{path}.capacity", "the capacity is above 100 %", "send 100", "out_of_range")
    level = _steps(slot.level, slot, base, f"{path}.level") if slot.level else 0
    if level > capacity:
        raise InvalidDeviceError(
            f"{path}.level",
            "the level is above the capacity",
            "send the amount that is in the slot now",
            "out_of_range",
        )
    return SlotSpec(
        slot=slot.slot,
        name=slot.name,
        product_id=slot.product_id,
        unit=base,
        unit_system=slot.system,
        scale=slot.scale,
        capacity=capacity,
        level=level,
        loading=slot.loading,
        fill=slot.fill,
    )


def _steps(amount: Quantity, slot: SlotForm, base: BaseUnit, path: str) -> int:
    try:
        return parse_quantity(
            amount.quantity, amount.unit or slot.unit, base=base, scale=slot.scale, system=slot.system
        )
    except InvalidAmountError as error:
        raise InvalidDeviceError(path, error.problem, error.remedy, error.code) from None


def map_slots(
    old: Sequence[SlotSpec], new: Sequence[SlotSpec], requested: Sequence[SlotMove] | None
) -> tuple[SlotMove, ...]:
    """Map old slots to new ones: as requested, or by equal names.

    History moves only to a slot with the same product, unit and scale; any other requested move raises
    InvalidDeviceError.
    """
    before, after = {spec.slot: spec for spec in old}, {spec.slot: spec for spec in new}
    if requested is None:
        return tuple(
            SlotMove(old_slot=name, new_slot=name) for name in before if _same_measure(before, after, name, name)
        )
    taken: set[str] = set()
    for index, move in enumerate(requested):
        field = f"moves.{index}"
        if move.old_slot not in before or move.new_slot not in after:
            raise InvalidDeviceError(
                field, "the slot does not exist", f"move {_list_names(before)} to {_list_names(after)}"
            )
        if not _same_measure(before, after, move.old_slot, move.new_slot):
            raise InvalidDeviceError(
                field,
                "the slots differ in product, unit or scale",
                "omit the move; the slot then starts without history",
            )
        if taken & {f"-{move.old_slot}", f"+{move.new_slot}"}:
            raise InvalidDeviceError(field, "the slot is moved twice", "list each slot once")
        taken |= {f"-{move.old_slot}", f"+{move.new_slot}"}
    return tuple(requested)


def _same_measure(before: dict[str, SlotSpec], after: dict[str, SlotSpec], old: str, new: str) -> bool:
    one, other = before.get(old), after.get(new)
    if one is None or other is None:
        return False
    return (one.product_id, one.unit, one.scale) == (other.product_id, other.unit, other.scale)


def _list_names(slots: dict[str, SlotSpec]) -> str:
    return ", ".join(slots) or "none"
