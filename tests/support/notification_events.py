"""Builders of notices, facts and contacts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from replenish_contracts.events import Line, OrderLine
from services.notification.domain import Contact, Facts, Kind, LineFacts, Notice, NoticeState, NoticeTiming

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


def line(line_id="1", **changes) -> LineFacts:
    whole = LineFacts(
        line_id, "pods", title="Coffee pods", unit="C62", quantity=40, packs=2, pack_size=20, unit_price=499
    )
    return replace(whole, **changes)


def event_line(line_id: str, product_id: str, quantity: int, **terms) -> Line | OrderLine:
    """Return a line as events have it, with its terms if there are any."""
    fields = {"line_id": line_id, "product_id": product_id, "pool_id": f"ann/{product_id}", "quantity": quantity}
    where = {"device_id": "brewer", "slot": line_id, "unit": "C62"}
    return (OrderLine if terms else Line)(**fields, **where, **terms)


def filters(**changes) -> LineFacts:
    about = {"product_id": "filters", "title": "Paper filters", "quantity": 100, "packs": 1, "pack_size": 100}
    return line("2", **(about | {"unit_price": 942} | changes))


def basket(*lines: LineFacts, **changes) -> Facts:
    """Facts of an order of two lines at 23.40 EUR, with a delivery fee of 4.00 EUR."""
    return facts(**({"lines": lines or (line(), filters()), "price": 2340, "fee": 400} | changes))


def contact(**changes) -> Contact:
    return replace(Contact("ann@example.com", "Ann Lee"), **changes)
