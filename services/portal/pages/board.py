"""Lays out a customer's page: one card for each slot, one for each order, and one sentence above all."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from services.portal.domain import words
from services.portal.domain.board import OPEN, Known, Notice
from services.portal.domain.devices import Device
from services.portal.domain.people import Customer, Person
from services.portal.pages.orders import OrderCard, order_card
from services.portal.pages.places import Place, title_of
from services.portal.pages.slots import SlotCard, slot_card

NOTICES = {
    "order_placed": "We told you that it was ordered",
    "order_shipped": "We told you that it is on its way",
    "order_delivered": "We told you that it arrived",
    "order_refused": "We told you that the shop will not deliver it",
    "order_cancelled": "We told you that the order was cancelled",
    "order_failed": "We told you that the order came to nothing",
    "order_unknown": "We told you that the shop has not answered",
    "claim_raised": "We told you that less came than was ordered",
    "money_returned": "We told you that your money comes back",
    "approval_needed": "We asked whether to order it",
    "running_low": "We told you that it is running low",
    "cannot_order": "We told you that it cannot be ordered",
    "ordering_stopped": "We told you that nothing more is ordered",
    "cart_prepared": "We asked you to order it",
    "cart_reminded": "We asked whether you ordered it",
    "cart_cancel_asked": "We asked you to cancel it at the shop",
}


@dataclass(frozen=True)
class Household:
    """Everything a page is made of."""

    customer: Customer
    person: Person
    devices: tuple[Device, ...]
    known: Known

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.customer.time_zone)


@dataclass(frozen=True)
class NoticeLine:
    text: str
    when: str


@dataclass(frozen=True)
class Board:
    """The page, in words and numbers."""

    name: str
    headline: str
    mood: str
    detail: str
    slots: tuple[SlotCard, ...]
    orders: tuple[OrderCard, ...]
    past: tuple[OrderCard, ...]
    notices: tuple[NoticeLine, ...]


def build(household: Household, now: datetime) -> Board:
    """Return the page of a household at this moment."""
    places = [Place(device, spec) for device in household.devices for spec in device.slots]
    cards = (slot_card(place, household.known, now, household.zone) for place in places)
    slots = tuple(sorted(cards, key=_urgency))  # stable: within a group cards keep their places while levels change
    orders = [
        (order, order_card(order, household.known, places, (now, household.zone))) for order in household.known.orders
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
        notices=tuple(_notice(notice, household, places, now) for notice in household.known.notices),
    )


def _urgency(card: SlotCard) -> int:
    if card.approve_order_id or card.doubted:
        return 0
    return {"empty": 1, "low": 1, "soon": 2}.get(card.tone, 3)


def _headline(slots: tuple[SlotCard, ...]) -> tuple[str, str]:
    asked = [card for card in slots if card.approve_order_id]
    doubted = [card for card in slots if card.doubted]
    short = [card for card in slots if card.tone in {"low", "empty"} and not card.coming]
    if not slots:
        return "No devices yet", "calm"
    if asked:
        return f"{asked[0].title}: shall we order?", "ask"
    if short:
        return f"{short[0].title} may run out", "worry"
    if doubted:
        return f"Please look at {doubted[0].title}", "ask"
    return "Everything is taken care of", "calm"


def _detail(slots: tuple[SlotCard, ...]) -> str:
    if not slots:
        return "As soon as a device is registered, its levels appear here by themselves."
    known = [card for card in slots if card.days_left is not None]
    if not known:
        return "How fast things are used is not known yet; it is learned from the first reports."
    first = min(known, key=lambda card: card.days_left or 0.0)
    if first.coming:
        return f"Next to run out is {first.title} ({first.lasts}); {first.coming}."
    return f"Next to run out is {first.title}: {first.lasts}."


def _notice(notice: Notice, household: Household, places: list[Place], now: datetime) -> NoticeLine:
    said = NOTICES.get(notice.kind, words.reason(notice.kind))
    about = f": {title_of(notice.product_id, household.known, places)}" if notice.product_id else ""
    return NoticeLine(said.rstrip(".") + about, words.day(notice.at, now, household.zone))
