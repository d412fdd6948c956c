"""All SQL of notification."""

from datetime import timedelta

from services.notification.domain import NoticeTiming
from services.notification.store.facts import FactTables
from services.notification.store.lines import LineTables
from services.notification.store.notices import Notices
from services.notification.store.people import People


class Store(FactTables, LineTables, Notices, People):
    """Notices, preferences, and the facts that mails are rendered from."""

    def timing_for(self, *, has_several_lines: bool) -> NoticeTiming:
        settings = self.settings
        return NoticeTiming(
            grace=timedelta(hours=settings.hold_grace_hours),
            quiet=timedelta(days=settings.hold_quiet_days),
            share=timedelta(seconds=settings.mail_share_seconds if has_several_lines else 0),
        )


__all__ = ["Store"]
