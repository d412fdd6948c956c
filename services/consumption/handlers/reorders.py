"""Reorder triggers, and deliveries that are loaded directly into a slot."""

from libs.kit import NotReadyError, RejectedError
from replenish_contracts.catalogue import Event
from replenish_contracts.events import Fill, FillCause, Loading, OrderDelivered, TriggerSet
from services.consumption.domain.apply import Outcome, apply_delivery, set_trigger
from services.consumption.domain.report import ReadingKind, Report, to_unix
from services.consumption.domain.slot import Slot
from services.consumption.domain.trigger import Trigger
from services.consumption.store import Store


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
    """Fill a slot that is loaded directly, once per order; slots loaded by hand wait for a report."""
    slot = await lock_slot(event.device_id, event.slot, event.customer_id, store)
    if slot is None or slot.spec.loading is not Loading.DIRECT:
        return []
    if not await store.add_loaded_order(event.order_id, slot.device_id, slot.slot):
        return []
    at = to_unix(event.occurred_at)
    decision = apply_delivery(slot, _arrival(slot, event, at))
    await store.save_slots({(slot.device_id, slot.slot): slot}, [decision.slot])
    return list(decision.events)


def _arrival(slot: Slot, event: OrderDelivered, at: float) -> Report:
    if slot.spec.fill is Fill.REPLACE:
        return Report(
            at, at, level=slot.spec.capacity, kind=ReadingKind.FILLED, cause=FillCause.ARRIVAL, order_id=event.order_id
        )
    return Report(at, at, flow=event.quantity, cause=FillCause.ARRIVAL, order_id=event.order_id)


async def _has_newer_registration(device_id: str, registration: int, store: Store) -> bool:
    """Return whether the device was registered again since; raises NotReadyError until this registration is known."""
    device = await store.find_device(device_id)
    if device is None or device.registration < registration:
        raise NotReadyError(f"device:{device_id}")
    return device.registration > registration


async def lock_slot(device_id: str, slot: str, customer_id: str, store: Store) -> Slot | None:
    """Return the customer's slot or its successor; None if the device is gone or belongs to another customer.

    Raises NotReadyError until the device is registered, and RejectedError if it never had this slot.
    """
    place = device_id, slot
    found = (await store.lock_slots([place])).get(place)
    if found is None:
        place = await store.find_successor(device_id, slot)
        found = (await store.lock_slots([place])).get(place)
    if found is None:
        device = await store.find_device(place[0])
        if device is None:
            raise NotReadyError(f"device:{place[0]}")
        if device.end_reason is None and device.registration == 1:
            raise RejectedError(f"device {place[0]} has no slot {place[1]}")
    return found if found is not None and found.spec.customer_id == customer_id else None
