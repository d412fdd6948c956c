"""Periodic jobs: count due readings, file days, delete old report identities, give up old gaps. Each run is bounded."""

from datetime import timedelta

from replenish_contracts.catalogue import Event
from services.consumption.domain.readings import count_due
from services.consumption.domain.report import to_unix
from services.consumption.store import Store


async def count_due_readings(store: Store) -> list[Event]:
    """Count readings that no second one has confirmed or contradicted in time."""
    now = to_unix(store.now)
    before = await store.lock_slots(await store.list_due_readings(now, store.settings.count_readings_at_most))
    decisions = [count_due(slot, now) for slot in before.values()]
    await store.save_slots(before, [decision.slot for decision in decisions])
    return [event for decision in decisions for event in decision.events]


async def file_days(store: Store) -> list[Event]:
    await store.file_days(store.settings.file_slots_at_most)
    return []


async def delete_report_identities(store: Store) -> list[Event]:
    before = store.now.date() - timedelta(days=store.settings.remember_reports_days)
    await store.delete_report_identities(before, store.settings.forget_reports_at_most)
    return []


async def give_up_gaps(store: Store) -> list[Event]:
    """Give up gaps that have been open for too long; reports for them become dead letters."""
    before = to_unix(store.now) - timedelta(days=store.settings.wait_for_missing_days).total_seconds()
    await store.give_up_gaps(before, store.settings.give_up_at_most)
    return []
