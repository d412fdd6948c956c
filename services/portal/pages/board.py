"""View model of a customer's page: headline, slot cards, order cards and messages."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from services.portal.domain import formatting
from services.portal.domain.board import CustomerView, Notice
from services.portal.domain.devices import Device
from services.portal.domain.orders import OPEN
from services.portal.domain.people import Customer, Person
from services.portal.pages.orders import OrderCard, order_card, order_title
from services.portal.pages.places import Place, title_of
from services.portal.pages.slots import SlotCard, slot_card

NOTICES = {
    "order_placed": "Order confirmation",
    "order_shipped": "Shipping notice",
    "order_delivered": "Delivery notice",
    "order_refused": "Order declined by the shop",
    "order_cancelled": "Cancellation notice",
    "order_failed": "Order failed",
    "order_unknown": "Waiting for the shop",
    "claim_raised": "Incomplete delivery",
    "money_returned": "Refund",
    "approval_needed": "Approval request",
    "running_low": "Running low",
    "cannot_order": "Cannot be ordered",
    "ordering_stopped": "Automatic reorder stopped",
    "cart_prepared": "Ready for you to order",
    "cart_reminded": "Order reminder",
    "cart_cancel_asked": "Please cancel at the shop",
}
#: Notices about one product also if the order has several.
ABOUT_ONE_LINE = frozenset({"claim_raised", "approval_needed"})


@dataclass(frozen=True)
class Household:
    """Input of a page: the customer with devices and read models."""

    customer: Customer
    person: Person
    devices: tuple[Device, ...]
    view: CustomerView

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.customer.time_zone)


@dataclass(frozen=True)
class NoticeLine:
    text: str
    when: str


@dataclass(frozen=True)
class Board:
    """The page with all values formatted for display."""

    name: str
    headline: str
    mood: str
    detail: str
    slots: tuple[SlotCard, ...]
    orders: tuple[OrderCard, ...]
    past: tuple[OrderCard, ...]
    notices: tuple[NoticeLine, ...]


def build_board(household: Household, now: datetime) -> Board:
    places = [Place(device, spec) for device in household.devices for spec in device.slots]
    cards = (slot_card(place, household.view, now, household.zone) for place in places)
    slots = tuple(sorted(cards, key=_urgency))  # stable: cards of a group keep their order while levels change
    orders = [
        (order, order_card(order, household.view, places, (now, household.zone))) for order in household.view.orders
    ]
    headline, mood = _headline(slots)
    return Board(
        name=household.person.name,
        headline=headline,
        mood=mood,
        detail=_detail(slots),
        slots=slots,
        orders=tuple(card for order, card in orders if order.state in OPEN),
        past=tuple(card for order, card in orders if order.state not in OPEN),
        notices=tuple(_notice(notice, household, places, now) for notice in household.view.notices),
    )


def _urgency(card: SlotCard) -> int:
    if card.approve_order_id or card.anomaly:
        return 0
    return {"empty": 1, "low": 1, "soon": 2}.get(card.tone, 3)


def _headline(slots: tuple[SlotCard, ...]) -> tuple[str, str]:
    to_approve = [card for card in slots if card.approve_order_id]
    to_check = [card for card in slots if card.anomaly]
    short = [card for card in slots if card.tone in {"low", "empty"} and not card.coming]
    if not slots:
        return "No devices yet", "calm"
    if to_approve:
        return f"Order more {to_approve[0].title}?", "ask"
    if short:
        return f"{short[0].title} may run out", "worry"
    if to_check:
        return f"Please check {to_check[0].title}", "ask"
    return "Everything is taken care of", "calm"


def _detail(slots: tuple[SlotCard, ...]) -> str:
    if not slots:
        return "Levels will appear here as soon as you register a device."
    known = [card for card in slots if card.days_left is not None]
    if not known:
        return "We're still learning how fast you use things. Estimates will appear after the first reports."
    first = min(known, key=lambda card: card.days_left or 0.0)
    if first.coming:
        return f"Next to run out is {first.title} ({first.lasts}); {first.coming}."
    return f"Next to run out is {first.title}: {first.lasts}."


def _notice(notice: Notice, household: Household, places: list[Place], now: datetime) -> NoticeLine:
    text = NOTICES.get(notice.kind, formatting.reason(notice.kind))
    order = next((order for order in household.view.orders if order.order_id == notice.order_id), None)
    about = ""
    if order is not None and len(order.lines) > 1 and notice.kind not in ABOUT_ONE_LINE:
        about = f": {order_title(order, household.view, places)}"
    elif notice.product_id:
        about = f": {title_of(notice.product_id, household.view, places)}"
    test = "Test: " if order is not None and order.is_test else ""
    return NoticeLine(test + text.rstrip(".") + about, formatting.day(notice.occurred_at, now, household.zone))
