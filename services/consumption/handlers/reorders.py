"""Reorder triggers, and deliveries that are loaded directly into a slot."""

from collections.abc import Iterable

from libs.kit import NotReadyError, RejectedError
from replenish_contracts.catalogue import Event
from replenish_contracts.events import Fill, FillCause, Loading, OrderDelivered, TriggerSet, lines_of
from services.consumption.domain.apply import apply_delivery, set_trigger
from services.consumption.domain.booking import Outcome
from services.consumption.domain.report import ReadingKind, Report, to_unix
from services.consumption.domain.slot import Slot
from services.consumption.domain.trigger import Trigger
from services.consumption.store import Store
from services.consumption.store.slots import Place


async def on_trigger_set(event: TriggerSet, store: Store) -> list[Event]:
    if event.registration is not None and await _has_newer_registration(event.device_id, event.registration, store):
        return []
    slot = await lock_slot(event.device_id, event.slot, event.customer_id, store)
    if slot is None:
        return []
    newer = Trigger(
        event.pool_id, event.epoch, event.at_level, event.at_days, event.shelf_and_on_order, event.reports, event.follow
    )
    decision = set_trigger(slot, newer, to_unix(store.now))
    if decision.outcome is Outcome.APPLIED:
        await store.save_slots({(slot.device_id, slot.slot): slot}, [decision.slot])
        await store.save_epoch(decision.slot)
    return list(decision.events)


async def on_order_delivered(event: OrderDelivered, store: Store) -> list[Event]:
    """Fill the slots that are loaded directly, once per line; slots loaded by hand wait for a report."""
    lines = lines_of(event)
    slots = await lock_slots(((line.device_id, line.slot) for line in lines), event.customer_id, store)
    direct = [line for line in lines if _is_loaded_directly(slots.get((line.device_id, line.slot)))]
    if not direct:
        return []
    before = {_place_of(slot): slot for slot in slots.values()}
    loads = {line.line_id: _place_of(slots[line.device_id, line.slot]) for line in direct}
    new = await store.add_loaded_lines(event.order_id, loads)
    after, events = dict(before), list[Event]()
    for line in direct:
        if line.line_id in new:
            place = loads[line.line_id]
            decision = apply_delivery(after[place], _report_of(line.quantity, after[place], event))
            after[place] = decision.slot
            events += decision.events
    await store.save_slots(before, after.values())
    return events


def _is_loaded_directly(slot: Slot | None) -> bool:
    return slot is not None and slot.spec.loading is Loading.DIRECT


def _place_of(slot: Slot) -> Place:
    return slot.device_id, slot.slot


def _report_of(quantity: int, slot: Slot, event: OrderDelivered) -> Report:
    at = to_unix(event.occurred_at)
    if slot.spec.fill is Fill.REPLACE:
        return Report(
            at, at, level=slot.spec.capacity, kind=ReadingKind.FILLED, cause=FillCause.ARRIVAL, order_id=event.order_id
        )
    return Report(at, at, flow=quantity, cause=FillCause.ARRIVAL, order_id=event.order_id)


async def _has_newer_registration(device_id: str, registration: int, store: Store) -> bool:
    """Return whether the device was registered again since; raises NotReadyError until this registration is known."""
    device = await store.find_device(device_id)
    if device is None or device.registration < registration:
        raise NotReadyError(f"device:{device_id}")
    return device.registration > registration


async def lock_slot(device_id: str, slot: str, customer_id: str, store: Store) -> Slot | None:
    """Return the customer's slot or its successor, like `lock_slots`; None if the device is gone."""
    return (await lock_slots([(device_id, slot)], customer_id, store)).get((device_id, slot))


async def lock_slots(places: Iterable[Place], customer_id: str, store: Store) -> dict[Place, Slot]:
    """Return the slots at these places, or their successors, that belong to the customer.

    Raises NotReadyError until the devices are registered, and RejectedError if one never had such a slot.
    """
    wanted = set(places)
    found = await store.lock_slots(wanted)
    places_now = {place: place for place in wanted & found.keys()}
    if missing := sorted(wanted - found.keys()):
        places_now |= await store.find_successors(missing)
        found |= await store.lock_slots({places_now[place] for place in missing} - found.keys())
    for place in missing:
        if places_now[place] not in found:
            await _check_device_is_gone(places_now[place], store)
    slots = {place: found[now] for place, now in places_now.items() if now in found}
    return {place: slot for place, slot in slots.items() if slot.spec.customer_id == customer_id}


async def _check_device_is_gone(place: Place, store: Store) -> None:
    device = await store.find_device(place[0])
    if device is None:
        raise NotReadyError(f"device:{place[0]}")
    if device.end_reason is None and device.registration == 1:
        raise RejectedError(f"device {place[0]} has no slot {place[1]}")
