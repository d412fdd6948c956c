"""Handlers that record the level of each slot."""

from replenish_contracts.catalogue import Event
from replenish_contracts.events import (
    AnomalyCode,
    SlotAnomalyDetected,
    SlotCorrected,
    SlotFilled,
    SlotLevelChanged,
    ThresholdCrossed,
)
from services.portal.domain.board import SlotView
from services.portal.store import Store

FAULTS_OF_NUMBERS = frozenset({AnomalyCode.SHARED_COUNTER, AnomalyCode.MISSING_REPORTS, AnomalyCode.REPEATED_REPORTS})


async def on_threshold_crossed(event: ThresholdCrossed, store: Store) -> list[Event]:
    view = SlotView(event.level, event.rate_per_day, event.run_out_at, event.occurred_at)
    await store.save_slot_view((event.device_id, event.slot), event.customer_id, view)
    return []


async def on_slot_level_changed(event: SlotLevelChanged, store: Store) -> list[Event]:
    view = SlotView(event.level, event.rate_per_day, None, event.occurred_at)
    await store.save_slot_view((event.device_id, event.slot), event.customer_id, view)
    return []


async def on_slot_filled(event: SlotFilled, store: Store) -> list[Event]:
    view = SlotView(event.level, None, None, event.occurred_at)
    await store.save_slot_view((event.device_id, event.slot), event.customer_id, view)
    return []


async def on_slot_corrected(event: SlotCorrected, store: Store) -> list[Event]:
    view = SlotView(event.level, None, None, event.occurred_at)
    await store.save_slot_view((event.device_id, event.slot), event.customer_id, view)
    return []


async def on_slot_anomaly_detected(event: SlotAnomalyDetected, store: Store) -> list[Event]:
    """Ask the customer to check the level; faults of a device's numbers are for its maker, whom the gateway warns."""
    if event.code in FAULTS_OF_NUMBERS:
        return []
    view = SlotView(event.level, None, None, event.occurred_at, event.reason)
    await store.save_slot_view((event.device_id, event.slot), event.customer_id, view)
    return []
