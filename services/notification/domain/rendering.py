"""Renders a notice as an email in the customer's language and time zone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from string import Formatter
from zoneinfo import ZoneInfo

from replenish_contracts.units import SYMBOLS, BaseUnit, format_money, format_quantity
from services.notification.domain.english import ENGLISH
from services.notification.domain.german import GERMAN
from services.notification.domain.language import Language, Line
from services.notification.domain.notices import Facts, Notice, fault_of

LANGUAGES = {"en": ENGLISH, "de": GERMAN}
#: Limit of names, titles and reasons, in characters.
MAX_TEXT_LENGTH = 120
#: Unit used instead from 1,000 of the smaller unit on.
LARGER = {BaseUnit.GRAM: "kg", BaseUnit.MILLILITRE: "l"}


@dataclass(frozen=True, slots=True)
class Contact:
    """The recipient; fetched from the portal for one mail and never stored."""

    email: str
    name: str = ""
    locale: str = "en"
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class RenderedMail:
    """A rendered mail, independent of the channel."""

    subject: str
    lines: tuple[str, ...]
    language: str
    #: URLs that become links in HTML: the page and the answer links. All other text is escaped.
    links: tuple[str, ...]


def render_mail(
    notice: Notice, facts: Facts, contact: Contact, page: str, links: Mapping[str, str] | None = None
) -> RenderedMail:
    """Render the mail; a line is omitted if a fact it needs is unknown. `links` maps placeholder names to URLs."""
    code = contact.locale.replace("_", "-").split("-")[0].lower()
    code = code if code in LANGUAGES else "en"
    language = LANGUAGES[code]
    values = _placeholders(notice, facts, language, contact) | {"page": page} | dict(links or {})
    text = language.faults.get((notice.kind, fault_of(notice)), language.texts[notice.kind])
    body = [line for wordings in text.lines if (line := _first_complete(wordings, values))]
    greeting = language.greeting.format(name=one_line(contact.name) or language.nameless).replace(" ,", ",")
    return RenderedMail(
        text.subject.format_map(values), (greeting, *body, language.closing), code, (page, *(links or {}).values())
    )


def _first_complete(wordings: Line, values: dict[str, str]) -> str | None:
    for wording in wordings:
        if all(name in values for _, name, _, _ in Formatter().parse(wording) if name):
            return wording.format_map(values)
    return None


def _placeholders(notice: Notice, facts: Facts, language: Language, contact: Contact) -> dict[str, str]:
    """Return the formatted value of every placeholder; unknown facts have no entry."""
    details = notice.details
    reason = one_line(details.get("reason") or "").rstrip(".")
    values = {
        "product": one_line(facts.title or notice.product_id) or language.untitled,
        "provider": one_line(facts.provider or "") or None,
        "quantity": _quantity(facts.quantity, facts, language),
        "sent": _quantity(details.get("quantity"), facts, language),
        "price": _price(facts, language),
        "level": _quantity(None if facts.level is None else max(facts.level, 0), facts, language),
        "rate": _rate(facts, language),
        "run_out": _date(facts.run_out_at, language, contact),
        "packs": None if details.get("packs") is None else str(details["packs"]),
        "answer_by": _date(_parse_time(details.get("answer_by")), language, contact),
        "needed_by": _date(facts.needed_by, language, contact),
        "expected": _date(_parse_time(details.get("expected_at")) or facts.expected_at, language, contact),
        "by": language.actors.get(details.get("by", ""), language.actors["operator"]),
        "why": language.holds.get(reason, reason) or None,
    }
    return {name: value for name, value in values.items() if value is not None}


def one_line(text: str) -> str:
    """Return external text as one printable line of limited length, so that it cannot inject a header or a line."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    short = " ".join(printable.split())
    return short if len(short) <= MAX_TEXT_LENGTH else short[: MAX_TEXT_LENGTH - 1].rstrip() + "…"


def _quantity(steps: int | None, facts: Facts, language: Language) -> str | None:
    if steps is None or facts.unit is None:
        return None
    unit, scale = BaseUnit(facts.unit), facts.scale
    if unit is BaseUnit.EACH:
        number = format_quantity(steps, scale)
        return (
            language.one_piece
            if number == "1"
            else language.pieces.format(number=number.replace(".", language.decimal))
        )
    symbol = SYMBOLS[unit]
    if unit in LARGER and abs(steps) >= 1000 * 10**scale:
        scale, symbol = scale + 3, LARGER[unit]
    return f"{format_quantity(steps, scale).replace('.', language.decimal)} {symbol}"


def _rate(facts: Facts, language: Language) -> str | None:
    """Return the daily use to one decimal; None if it rounds to zero."""
    if facts.rate_per_day is None or facts.unit is None:
        return None
    tenths = round(facts.rate_per_day * 10)
    unit, scale = BaseUnit(facts.unit), facts.scale
    if tenths <= 0:
        return None
    number = format_quantity(tenths, scale + 1).replace(".", language.decimal)
    return number if unit is BaseUnit.EACH else f"{number} {SYMBOLS[unit]}"


def _price(facts: Facts, language: Language) -> str | None:
    if facts.price is None or facts.currency is None:
        return None
    return f"{format_money(facts.price, facts.currency).replace('.', language.decimal)} {facts.currency}"


def _parse_time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _date(at: datetime | None, language: Language, contact: Contact) -> str | None:
    if at is None:
        return None
    try:
        local = at.astimezone(zone(contact.time_zone))
    except OverflowError:  # the first or last day of the calendar, which some systems send for "no date"
        return None
    return language.date.format(
        weekday=language.weekdays[local.weekday()], day=local.day, month=language.months[local.month - 1]
    )


def zone(name: str) -> tzinfo:
    """Return the time zone with this name, or UTC if there is none."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return UTC
