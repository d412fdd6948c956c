"""All SQL of notification."""

from datetime import timedelta

from services.notification.domain import NoticeTiming
from services.notification.store.facts import FactTables
from services.notification.store.notices import Notices
from services.notification.store.people import People


class Store(FactTables, Notices, People):
    """Notices, preferences, and the facts that mails are rendered from."""

    @property
    def timing(self) -> NoticeTiming:
        settings = self.settings
        return NoticeTiming(timedelta(hours=settings.hold_grace_hours), timedelta(days=settings.hold_quiet_days))


__all__ = ["Store"]
