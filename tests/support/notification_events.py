"""Builders of notices, facts and contacts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from services.notification.domain import Contact, Facts, Kind, Notice, NoticeState, NoticeTiming

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TIMING = NoticeTiming(grace=timedelta(hours=1), quiet=timedelta(days=7))
PAGE = "https://home.example/"


def notice(kind: Kind = Kind.ORDER_PLACED, **changes) -> Notice:
    whole = Notice("n1", "ann", kind, "o1", "o1", "pods", "ann/pods", 1, NoticeState.DUE, "", {})
    return replace(whole, **changes)


def facts(**changes) -> Facts:
    whole = Facts(
        title="Coffee pods",
        provider="Acme",
        quantity=40,
        unit="C62",
        price=998,
        currency="EUR",
        level=12,
        rate_per_day=2.04,
        run_out_at=NOON + timedelta(days=6),
        approved=True,
    )
    return replace(whole, **changes)


def contact(**changes) -> Contact:
    return replace(Contact("ann@example.com", "Ann Lee"), **changes)
