"""What reorder_decision asks, and what comes of it: triggers, and goods that go straight into a slot."""

from libs.contracts.catalogue import Event
from libs.contracts.events import Fill, FillCause, Loading, OrderDelivered, TriggerSet
from libs.kit import NotYet, Refuse
from services.consumption.domain.hearing import Fate, arrive, set_trigger
from services.consumption.domain.report import Look, Report, seconds
from services.consumption.domain.slot import Slot
from services.consumption.domain.trigger import Trigger
from services.consumption.store import Store


async def on_trigger_set(event: TriggerSet, store: Store) -> list[Event]:
    """Draw a newer line for a slot, and answer at once if it is below it already."""
    slot = await lock_slot(event.device_id, event.slot, store)
    if slot is None:
        return []
    newer = Trigger(
        event.pool_id, event.epoch, event.at_level, event.at_days, event.elsewhere, event.reports, event.follow
    )
    heard = set_trigger(slot, newer, seconds(store.now))
    if heard.fate is Fate.APPLIED:
        await store.save_slots({(slot.device_id, slot.slot): slot}, [heard.slot])
        await store.save_epoch(heard.slot)
    return list(heard.events)


async def on_order_delivered(event: OrderDelivered, store: Store) -> list[Event]:
    """Fill a slot that is loaded directly, once per order; by hand, somebody will tell when it is loaded."""
    slot = await lock_slot(event.device_id, event.slot, store)
    if slot is None or slot.spec.loading is not Loading.DIRECT:
        return []
    if not await store.insert_loaded_order(event.order_id, slot.device_id, slot.slot):
        return []
    at = seconds(event.at)
    heard = arrive(slot, _arrival(slot, event, at))
    await store.save_slots({(slot.device_id, slot.slot): slot}, [heard.slot])
    return list(heard.events)


def _arrival(slot: Slot, event: OrderDelivered, at: float) -> Report:
    if slot.spec.fill is Fill.REPLACE:
        return Report(
            at, at, level=slot.spec.capacity, look=Look.FILLED, cause=FillCause.ARRIVAL, order_id=event.order_id
        )
    return Report(at, at, flow=event.quantity, cause=FillCause.ARRIVAL, order_id=event.order_id)


async def lock_slot(device_id: str, slot: str, store: Store) -> Slot | None:
    """Return the slot, or the one that follows on it; None once its device is gone.

    Raises NotYet before the device is registered and Refuse where it has no such slot.
    """
    place = device_id, slot
    found = (await store.lock_slots([place])).get(place)
    if found is None:
        place = await store.find_successor(device_id, slot)
        found = (await store.lock_slots([place])).get(place)
    if found is None:
        device = await store.find_device(place[0])
        if device is None:
            raise NotYet(f"device:{place[0]}")
        if device.how is None:
            raise Refuse(f"device {place[0]} has no slot {place[1]}")
    return found
