"""What is filed and cleared away with time, a bounded part at a time."""

from datetime import timedelta

from libs.contracts.catalogue import Event
from services.consumption.domain.report import seconds
from services.consumption.store import Store


async def file_days(store: Store) -> list[Event]:
    """Move full months of daily use out of the hot rows."""
    await store.file_days(store.settings.file_slots_at_most)
    return []


async def forget_reports(store: Store) -> list[Event]:
    """Forget which uncounted reports were applied, once they cannot be read again."""
    before = store.now.date() - timedelta(days=store.settings.remember_reports_days)
    await store.forget_reports(before, store.settings.forget_reports_at_most)
    return []


async def give_up_gaps(store: Store) -> list[Event]:
    """Stop waiting for reports that have been missing for long; should they come, they are put aside."""
    before = seconds(store.now) - timedelta(days=store.settings.wait_for_missing_days).total_seconds()
    await store.give_up_gaps(before, store.settings.give_up_at_most)
    return []
