"""From what was registered to the slots of pools."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import NamedTuple

from libs.contracts.events import SlotMove, SlotSpec
from services.reorder_decision.domain.pool import Slot


class Fitted(NamedTuple):
    """A slot and the product it holds."""

    product_id: str
    slot: Slot


#: What events take for an id.
LONGEST_ID = 200


def pool_id_of(customer_id: str, product_id: str) -> str:
    """Return the pool's name; a product whose own name leaves no room in it stands there by its digest."""
    plain = f"{customer_id}/{product_id}"
    return plain if len(plain) <= LONGEST_ID else f"{customer_id}/{sha256(product_id.encode()).hexdigest()}"


def fitted_slots(
    device_id: str, specs: Iterable[SlotSpec], old: Iterable[Slot] = (), moves: Sequence[SlotMove] = ()
) -> list[Fitted]:
    """Return a device's slots as registered, with level and habits of the slots they follow on."""
    before = {slot.slot: slot for slot in old}
    past = {move.new_slot: before.get(move.old_slot) for move in moves}
    return [Fitted(spec.product_id, _carried(_new(device_id, spec), past.get(spec.slot))) for spec in specs]


def _new(device_id: str, spec: SlotSpec) -> Slot:
    return Slot(device_id, spec.slot, spec.unit, spec.scale, spec.capacity, spec.level)


def _carried(slot: Slot, past: Slot | None) -> Slot:
    if past is None or (past.unit, past.scale) != (slot.unit, slot.scale):
        return slot
    known = replace(slot, level=past.level, doubt=past.doubt, rate_per_day=past.rate_per_day)
    return replace(known, level_event=past.level_event, level_at=past.level_at)
