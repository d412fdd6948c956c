"""How amounts, times and states are said to people."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from libs.contracts.events import BaseUnit, Fault, OrderCancelled, OrderFailed
from libs.units import SYMBOLS, format_money, format_quantity

#: From a thousand on, people say kilograms and litres.
LARGER = {BaseUnit.GRAM: "kg", BaseUnit.MILLILITRE: "l"}
THOUSAND = 3

#: What people may type an amount in; the first is the slot's own.
UNIT_CHOICES = {
    BaseUnit.EACH: ("count",),
    BaseUnit.GRAM: ("g", "kg", "oz", "lb"),
    BaseUnit.MILLILITRE: ("ml", "l", "fl oz"),
    BaseUnit.PERCENT: ("%",),
}

#: Why nothing is ordered, by reorder_decision's word for it; sentences it writes itself are shown as they are.
REASONS = {
    "no_subscription": "Nobody asked for this product to be reordered.",
    "paused": "Reordering is paused.",
    "no_slots": "No device holds this product any more.",
    "units_differ": "The devices measure this product in different units, which cannot be added up.",
    "no_offer": "The shop does not offer this product.",
    "offer_unavailable": "The shop cannot deliver this product at present.",
    "provider_inactive": "The shop takes no orders at present.",
    "pack_size_differs": "The shop sells another pack size than the one you chose.",
    "pack_unit_differs": "The shop sells this product in another unit than your device measures.",
    "awaiting_approval": "You wanted to approve each order.",
    "notify_only": "You only wanted to be told; nothing is ordered for you.",
    "enough": "There is still enough.",
    "away": "You are away; what is missing comes when you are back.",
    "cancelled_once": "You cancelled the last order, so we wait a few days.",
    "cancelled_again": "You cancelled twice; nothing is ordered before it has been full again.",
    "not_delivered": "The last order came to nothing; we try again later.",
    "on_hold": "It is on hold until we have looked into it.",
}
#: How order_dispatch writes it; events from before they had a fault tell it by these only.
_TOLD_BY_REASON = "taken for fraud"


def amount(steps: int, unit: BaseUnit, scale: int) -> str:
    """Return an amount as people say it: `1.2 kg`, `34`, `80%`."""
    if unit in LARGER and abs(steps) >= 10 ** (scale + THOUSAND):
        return f"{format_quantity(steps, scale + THOUSAND)} {LARGER[unit]}"
    symbol = SYMBOLS[unit]
    gap = " " if symbol and unit is not BaseUnit.PERCENT else ""
    return f"{format_quantity(steps, scale)}{gap}{symbol}"


def rate(steps_per_day: float, unit: BaseUnit, scale: int) -> str:
    """Return how fast it is used, with two digits that mean something."""
    per_day = steps_per_day / 10**scale
    symbol = SYMBOLS[unit]
    gap = " " if symbol and unit is not BaseUnit.PERCENT else ""
    digits = f"{per_day:.0f}" if per_day >= 10 else f"{per_day:.1f}".removesuffix(".0")  # noqa: PLR2004  two digits
    return f"{digits}{gap}{symbol} a day" if per_day >= 0.05 else "hardly used"  # noqa: PLR2004  rounds to nothing


def money(minor: int, currency: str) -> str:
    return f"{format_money(minor, currency)} {currency}"


def day(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """Return a day as somebody in this time zone says it now."""
    there, today = _date(at, zone), _date(now, zone)
    near = {0: "today", 1: "tomorrow", -1: "yesterday"}
    if (there - today).days in near:
        return near[(there - today).days]
    year = f" {there.year}" if there.year != today.year else ""
    return f"{there:%a} {there.day} {there:%b}{year}"


def _date(at: datetime, zone: ZoneInfo) -> date:
    try:
        return at.astimezone(zone).date()
    except OverflowError:  # the calendar's first and last hours are on no calendar elsewhere
        return at.date()


def ago(at: datetime, now: datetime) -> str:
    """Return how long ago something was, roughly."""
    seconds = max(0.0, (now - at).total_seconds())
    for size, one, many in ((86_400, "a day", "days"), (3600, "an hour", "hours"), (60, "a minute", "minutes")):
        count = int(seconds // size)
        if count:
            return f"{one} ago" if count == 1 else f"{count} {many} ago"
    return "just now"


def lasting(level: int, run_out_at: datetime | None, now: datetime) -> str:
    """Return how long it will last; nothing where nobody knows."""
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
    """Return the day when it runs out, or ran out."""
    return f"{'Runs' if at > now else 'Ran'} out {day(at, now, zone)}"


def reason(said: str) -> str:
    """Return a reason as a sentence."""
    known = REASONS.get(said)
    if known is not None:
        return known
    text = said.replace("_", " ").strip() if " " not in said else said.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".") if text else ""


def without_suspicion(event: OrderCancelled | OrderFailed) -> OrderCancelled | OrderFailed:
    """Return an order's end as its customer is told it: what is suspected, and in whose words, stays with us."""
    match event:
        case OrderCancelled(by=Fault.FRAUD) | OrderFailed(fault=Fault.FRAUD):
            return event.model_copy(update={"reason": "on_hold"})
        case OrderFailed(reason=told) if _TOLD_BY_REASON in told:
            return event.model_copy(update={"reason": "on_hold"})
    return event


def title(product_id: str) -> str:
    """Return a product's id as a title, for want of a better one."""
    words = product_id.replace("-", " ").replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def number(steps: int, scale: int) -> str:
    """Return the bare number of base units, for an input field."""
    return format_quantity(steps, scale)
