"""Formats amounts, times and reasons for display."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from replenish_contracts.events import BaseUnit, Fault, OrderCancelled, OrderFailed, OrderLinesCancelled
from replenish_contracts.units import SYMBOLS, format_money, format_quantity
from services.portal.domain.order_events import OrderEvent

#: Amounts of 1,000 and more are shown in the larger unit.
LARGER = {BaseUnit.GRAM: "kg", BaseUnit.MILLILITRE: "l"}
THOUSAND = 3

#: Units offered in the level form; the first is the slot's own.
UNIT_CHOICES = {
    BaseUnit.EACH: ("count",),
    BaseUnit.GRAM: ("g", "kg", "oz", "lb"),
    BaseUnit.MILLILITRE: ("ml", "l", "fl oz"),
    BaseUnit.PERCENT: ("%",),
}

#: Sentences for the reason codes of reorder_decision; reasons that are sentences already are shown unchanged.
REASONS = {
    "no_subscription": "Automatic reordering is not set up for this product.",
    "paused": "Automatic reordering is paused.",
    "no_slots": "None of your devices holds this product any more.",
    "units_differ": "Your devices measure this product in different units, so the amounts cannot be added up.",
    "no_offer": "The shop does not sell this product.",
    "offer_unavailable": "The shop cannot deliver this product at the moment.",
    "provider_inactive": "The shop is not taking orders at the moment.",
    "pack_size_differs": "The shop no longer sells the pack size you chose.",
    "pack_unit_differs": "The shop sells this product in a different unit from the one your device measures.",
    "paused_at_provider": "It is paused in your account with the shop. You can resume it there.",
    "link_ended": "The device is no longer linked to your account with the shop. Please link it again.",
    "not_linked": "The device is not linked to your account with the shop yet.",
    "awaiting_approval": "This order is waiting for your approval.",
    "notify_only": "You chose reminders only.",
    "enough": "You still have enough.",
    "away": "You're away. We'll deliver when you're back.",
    "cancelled_once": "You cancelled the last order, so we'll wait a few days before reordering.",
    "cancelled_again": "You cancelled twice, so we won't reorder until it has been refilled.",
    "not_delivered": "The last order could not be completed. We'll try again later.",
    "delivery_unclear": (
        "The shop didn't say clearly how much it sent, so we'll wait a few days, or for a new level, before reordering."
    ),
    "on_hold": "This order is on hold while we review it.",
}
#: Wording of order_dispatch; events without a fault field show suspected fraud only by this text.
_FRAUD_REASON = "taken for fraud"


def amount(steps: int, unit: BaseUnit, scale: int) -> str:
    """Format an amount in steps: `1.2 kg`, `34`, `80%`."""
    if unit in LARGER and abs(steps) >= 10 ** (scale + THOUSAND):
        return f"{format_quantity(steps, scale + THOUSAND)} {LARGER[unit]}"
    symbol = SYMBOLS[unit]
    gap = " " if symbol and unit is not BaseUnit.PERCENT else ""
    return f"{format_quantity(steps, scale)}{gap}{symbol}"


def quantity(shown: Mapping[str, str]) -> str:
    """Format a quantity of an API response, which has the unit's code: `100`, `500 g`, `80%`."""
    symbol = SYMBOLS[BaseUnit(shown["unit"])]
    gap = " " if symbol and symbol != SYMBOLS[BaseUnit.PERCENT] else ""
    return f"{shown['quantity']}{gap}{symbol}"


def rate(steps_per_day: float, unit: BaseUnit, scale: int) -> str:
    """Format a rate with two significant digits at most: `2.4 a day`; below 0.05 a day `hardly used`."""
    per_day = steps_per_day / 10**scale
    symbol = SYMBOLS[unit]
    gap = " " if symbol and unit is not BaseUnit.PERCENT else ""
    digits = f"{per_day:.0f}" if per_day >= 10 else f"{per_day:.1f}".removesuffix(".0")  # noqa: PLR2004  two digits
    return f"{digits}{gap}{symbol} a day" if per_day >= 0.05 else "hardly used"  # noqa: PLR2004  rounds to nothing


def money(minor: int, currency: str) -> str:
    return f"{format_money(minor, currency)} {currency}"


def day(at: datetime | date, now: datetime, zone: ZoneInfo) -> str:
    """Format a day relative to now: `today`, `Sat 14 Mar`; with the year unless it is this one."""
    date_, today = _date(at, zone) if isinstance(at, datetime) else at, _date(now, zone)
    near = {0: "today", 1: "tomorrow", -1: "yesterday"}
    if (date_ - today).days in near:
        return near[(date_ - today).days]
    year = f" {date_.year}" if date_.year != today.year else ""
    return f"{date_:%a} {date_.day} {date_:%b}{year}"


def _date(at: datetime, zone: ZoneInfo) -> date:
    try:
        return at.astimezone(zone).date()
    except OverflowError:  # the result is before year 1 or after year 9999
        return at.date()


def ago(at: datetime, now: datetime) -> str:
    """Format the time since `at` in its largest unit: `2 hours ago`."""
    seconds = max(0.0, (now - at).total_seconds())
    for size, one, many in ((86_400, "a day", "days"), (3600, "an hour", "hours"), (60, "a minute", "minutes")):
        count = int(seconds // size)
        if count:
            return f"{one} ago" if count == 1 else f"{count} {many} ago"
    return "just now"


def lasting(level: int, run_out_at: datetime | None, now: datetime) -> str:
    """Format how long the level will last; empty if the run-out time is unknown."""
    if level <= 0:
        return "empty"
    if run_out_at is None:
        return ""
    days = (run_out_at - now) / timedelta(days=1)
    if days <= 0:
        return "may be empty by now"
    if days < 1:
        return "less than a day left"
    whole = int(days)
    return "about a day left" if whole == 1 else f"about {whole} days left"


def run_out(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    return f"{'Runs' if at > now else 'Ran'} out {day(at, now, zone)}"


def reason(text: str) -> str:
    """Return the sentence for a reason code; other text is capitalised and ends with a full stop."""
    known = REASONS.get(text)
    if known is not None:
        return known
    text = text.replace("_", " ").strip() if " " not in text else text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".") if text else ""


def account_reason(code: str, shop: str, since: str) -> str:
    """Return the sentence for a hold that the customer's account with a shop causes; `since` may be empty."""
    ago = f" since {since}" if since else ""
    return {
        "paused_at_provider": f"Paused at {shop}{ago}. You can resume it in your account there.",
        "link_ended": f"This device has not been linked to your account with {shop}{ago}. Please link it again.",
        "not_linked": f"This device is not linked to your account with {shop} yet.",
    }[code]


def without_suspicion(event: OrderEvent) -> OrderEvent:
    """Replace the reason of what ended over suspected fraud, which the customer must not see."""
    match event:
        case OrderCancelled(by=Fault.FRAUD) | OrderLinesCancelled(by=Fault.FRAUD) | OrderFailed(fault=Fault.FRAUD):
            return event.model_copy(update={"reason": "on_hold"})
        case OrderFailed(reason=text) if _FRAUD_REASON in text:
            return event.model_copy(update={"reason": "on_hold"})
    return event


def title(product_id: str) -> str:
    """Return a title made from a product id: `coffee-pods` becomes `Coffee pods`."""
    words = product_id.replace("-", " ").replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def number(steps: int, scale: int) -> str:
    return format_quantity(steps, scale)
