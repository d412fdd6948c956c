"""Turns a device as people describe it into slots that count in whole steps."""

from collections.abc import Sequence
from dataclasses import dataclass

from libs.contracts.events import BaseUnit, Fill, Loading, SlotMove, SlotSpec
from libs.units import RefusedAmount, base_unit, parse_quantity

Amount = str | int | float
FULL_PERCENT = 100


class Unfit(Exception):  # noqa: N818  # what happened, not that it is an error
    """A description cannot become a device; names the field, the problem and the remedy."""

    def __init__(self, field: str, problem: str, remedy: str, code: str = "invalid") -> None:
        super().__init__(f"{field}: {problem}")
        self.field, self.problem, self.remedy, self.code = field, problem, remedy, code


@dataclass(frozen=True)
class Quantity:
    """An amount as written; without a unit it is in the slot's."""

    quantity: Amount
    unit: str | None = None


@dataclass(frozen=True)
class SlotWords:
    """One slot as somebody described it."""

    slot: str
    product_id: str
    unit: str
    capacity: Quantity
    name: str = ""
    scale: int = 0
    level: Quantity | None = None
    loading: Loading = Loading.BY_HAND
    fill: Fill = Fill.ADD


def specify(words: Sequence[SlotWords]) -> tuple[SlotSpec, ...]:
    """Return the slots in whole steps of their base units; raises Unfit for the first that cannot be."""
    seen: set[str] = set()
    specs = []
    for place, slot in enumerate(words):
        if slot.slot in seen:
            raise Unfit(f"slots.{place}.slot", f"{slot.slot!r} is there twice", "give each slot a name of its own")
        seen.add(slot.slot)
        specs.append(_specify(slot, f"slots.{place}"))
    return tuple(specs)


def _specify(slot: SlotWords, place: str) -> SlotSpec:
    try:
        base = base_unit(slot.unit)
    except RefusedAmount as wrong:
        raise Unfit(f"{place}.unit", wrong.problem, wrong.remedy, wrong.code) from None
    capacity = _steps(slot.capacity, slot, base, f"{place}.capacity")
    if capacity < 1:
        raise Unfit(f"{place}.capacity", "a slot that holds nothing", "send what the full slot holds", "out_of_range")
    if base is BaseUnit.PERCENT and capacity > FULL_PERCENT * 10**slot.scale:
        raise Unfit(f"{place}.capacity", "more than 100 %", "send 100: a full slot is 100 %", "out_of_range")
    level = _steps(slot.level, slot, base, f"{place}.level") if slot.level else 0
    if level > capacity:
        raise Unfit(f"{place}.level", "more than the slot's capacity", "send what is in it now", "out_of_range")
    return SlotSpec(
        slot=slot.slot,
        name=slot.name,
        product_id=slot.product_id,
        unit=base,
        scale=slot.scale,
        capacity=capacity,
        level=level,
        loading=slot.loading,
        fill=slot.fill,
    )


def _steps(amount: Quantity, slot: SlotWords, base: BaseUnit, place: str) -> int:
    try:
        return parse_quantity(amount.quantity, amount.unit or slot.unit, base=base, scale=slot.scale)
    except RefusedAmount as wrong:
        raise Unfit(place, wrong.problem, wrong.remedy, wrong.code) from None


def moves(old: Sequence[SlotSpec], new: Sequence[SlotSpec], wished: Sequence[SlotMove] | None) -> tuple[SlotMove, ...]:
    """Return which slot goes on as which: as wished, else by equal names; raises Unfit where that cannot be.

    A story goes on only in a slot that holds the same product and counts the same way.
    """
    before, after = {spec.slot: spec for spec in old}, {spec.slot: spec for spec in new}
    if wished is None:
        return tuple(SlotMove(old_slot=name, new_slot=name) for name in before if _fits(before, after, name, name))
    taken: set[str] = set()
    for place, move in enumerate(wished):
        field = f"moves.{place}"
        if move.old_slot not in before or move.new_slot not in after:
            raise Unfit(field, "names a slot that is not there", f"move {_names(before)} to {_names(after)}")
        if not _fits(before, after, move.old_slot, move.new_slot):
            raise Unfit(
                field, "the slots differ in product, unit or scale", "leave the move out; the slot starts afresh"
            )
        if taken & {f"-{move.old_slot}", f"+{move.new_slot}"}:
            raise Unfit(field, "moves one slot twice", "name each slot once")
        taken |= {f"-{move.old_slot}", f"+{move.new_slot}"}
    return tuple(wished)


def _fits(before: dict[str, SlotSpec], after: dict[str, SlotSpec], old: str, new: str) -> bool:
    one, other = before.get(old), after.get(new)
    if one is None or other is None:
        return False
    return (one.product_id, one.unit, one.scale) == (other.product_id, other.unit, other.scale)


def _names(slots: dict[str, SlotSpec]) -> str:
    return ", ".join(slots) or "none"
