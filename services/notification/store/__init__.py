"""All SQL of notification."""

from datetime import timedelta

from services.notification.domain import Tact
from services.notification.store.facts import FactTables
from services.notification.store.notices import Notices
from services.notification.store.people import People


class Store(FactTables, Notices, People):
    """One transaction over notices, preferences, and the facts letters are written from."""

    @property
    def tact(self) -> Tact:
        """Return how patient we are before telling, and telling again."""
        knobs = self.settings
        return Tact(timedelta(hours=knobs.hold_grace_hours), timedelta(days=knobs.hold_quiet_days))


__all__ = ["Store"]
