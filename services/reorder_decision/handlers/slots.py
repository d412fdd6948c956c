"""Level events of consumption."""

from replenish_contracts.catalogue import Event
from replenish_contracts.events import FillCause, SlotCorrected, SlotFilled, SlotLevelChanged, ThresholdCrossed
from services.reorder_decision.domain import Reading, pool_id_of, slot_filled, slot_level_changed, threshold_crossed
from services.reorder_decision.store import Store


async def on_threshold_crossed(event: ThresholdCrossed, store: Store) -> list[Event]:
    pool = await store.lock_pool(event.pool_id)
    if pool is None:
        return []
    return await store.save_decision(pool, threshold_crossed(pool, _reading_of(event), event.epoch, store.context))


async def on_slot_level_changed(event: SlotLevelChanged, store: Store) -> list[Event]:
    pool = await store.lock_pool(pool_id_of(event.customer_id, event.product_id))
    if pool is None:
        return []
    return await store.save_decision(pool, slot_level_changed(pool, _reading_of(event), store.context))


async def on_slot_filled(event: SlotFilled, store: Store) -> list[Event]:
    """Record a refill; one that was inferred from use, with level 0, is already used up."""
    used_up = event.cause is FillCause.INFERRED and not event.level
    return await _save_level(event, store, used_up=used_up, is_assumed=event.cause is FillCause.ARRIVAL)


async def on_slot_corrected(event: SlotCorrected, store: Store) -> list[Event]:
    return await _save_level(event, store)


async def _save_level(
    event: SlotFilled | SlotCorrected, store: Store, *, used_up: bool = False, is_assumed: bool = False
) -> list[Event]:
    pool = await store.lock_pool(pool_id_of(event.customer_id, event.product_id))
    if pool is None:
        return []
    reading = Reading(event.device_id, event.slot, event.level, event.occurred_at)
    return await store.save_decision(
        pool, slot_filled(pool, reading, store.context, used_up=used_up, is_assumed=is_assumed)
    )


def _reading_of(event: ThresholdCrossed | SlotLevelChanged) -> Reading:
    return Reading(event.device_id, event.slot, event.level, event.occurred_at, event.uncertainty, event.rate_per_day)
