"""Maps registered devices to slots of pools."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import NamedTuple

from replenish_contracts.events import SlotMove, SlotSpec
from services.reorder_decision.domain.pool import Slot


class ProductSlot(NamedTuple):
    """A slot with its product."""

    product_id: str
    slot: Slot


#: Limit of ids in events, in characters.
MAX_ID_LENGTH = 200


def pool_id_of(customer_id: str, product_id: str) -> str:
    """Return `<customer>/<product>`; if that is too long for an id, the SHA-256 of the product id replaces it."""
    plain = f"{customer_id}/{product_id}"
    return plain if len(plain) <= MAX_ID_LENGTH else f"{customer_id}/{sha256(product_id.encode()).hexdigest()}"


def slots_of_device(
    device_id: str, specs: Iterable[SlotSpec], old: Iterable[Slot] = (), moves: Sequence[SlotMove] = ()
) -> list[ProductSlot]:
    """Return a device's slots; a slot in `moves` takes over level and rate of the slot it replaces."""
    before = {slot.slot: slot for slot in old}
    past = {move.new_slot: before.get(move.old_slot) for move in moves}
    return [ProductSlot(spec.product_id, _carry_over(_new(device_id, spec), past.get(spec.slot))) for spec in specs]


def _new(device_id: str, spec: SlotSpec) -> Slot:
    return Slot(device_id, spec.slot, spec.unit, spec.scale, spec.capacity, spec.level)


def _carry_over(slot: Slot, past: Slot | None) -> Slot:
    if past is None or (past.unit, past.scale) != (slot.unit, slot.scale):
        return slot
    known = replace(slot, level=past.level, uncertainty=past.uncertainty, rate_per_day=past.rate_per_day)
    return replace(known, level_event=past.level_event, level_at=past.level_at)
