"""From a notice and what is known to a letter: plain lines in the customer's language."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from string import Formatter
from zoneinfo import ZoneInfo

from libs.units import SYMBOLS, BaseUnit, format_money, format_quantity
from services.notification.domain.english import ENGLISH
from services.notification.domain.german import GERMAN
from services.notification.domain.notices import Facts, Notice, fault_of
from services.notification.domain.words import Language, Line, Text

LANGUAGES = {"en": ENGLISH, "de": GERMAN}
#: What a letter says of a name or a reason; more is no name and no reason.
MOST_WORDS = 120
#: From here on a quantity is written in the larger unit.
LARGER = {BaseUnit.GRAM: "kg", BaseUnit.MILLILITRE: "l"}


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to write to; fetched for one letter and kept nowhere."""

    email: str
    name: str = ""
    locale: str = "en"
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Letter:
    """What a person reads."""

    subject: str
    lines: tuple[str, ...]
    language: str
    #: The addresses in it that may be followed: the page, and those of answers.
    links: tuple[str, ...]


def compose(
    notice: Notice, facts: Facts, contact: Contact, page: str, links: Mapping[str, str] | None = None
) -> Letter:
    """Write the letter; lines whose facts are not known are left out of it. `links` are addresses by their names."""
    code = contact.locale.replace("_", "-").split("-")[0].lower()
    code = code if code in LANGUAGES else "en"
    language = LANGUAGES[code]
    known = _known(notice, facts, language, contact) | {"page": page} | dict(links or {})
    text = _text(notice, language)
    body = [line for wordings in text.lines if (line := _first_known(wordings, known))]
    greeting = language.greeting.format(name=one_line(contact.name) or language.nameless).replace(" ,", ",")
    return Letter(
        text.subject.format_map(known), (greeting, *body, language.closing), code, (page, *(links or {}).values())
    )


def _text(notice: Notice, language: Language) -> Text:
    return language.faults.get((notice.kind, fault_of(notice)), language.texts[notice.kind])


def _first_known(wordings: Line, known: dict[str, str]) -> str | None:
    for wording in wordings:
        if all(name in known for _, name, _, _ in Formatter().parse(wording) if name):
            return wording.format_map(known)
    return None


def _known(notice: Notice, facts: Facts, language: Language, contact: Contact) -> dict[str, str]:
    """Return every fact as words; what is not known is not in it."""
    details = notice.details
    why = one_line(details.get("reason") or "").rstrip(".")
    words = {
        "product": one_line(facts.title or notice.product_id) or language.untitled,
        "provider": one_line(facts.provider or "") or None,
        "quantity": _quantity(facts.quantity, facts, language),
        "sent": _quantity(details.get("quantity"), facts, language),
        "price": _price(facts, language),
        "level": _quantity(None if facts.level is None else max(facts.level, 0), facts, language),
        "rate": _rate(facts, language),
        "run_out": _date(facts.run_out_at, language, contact),
        "packs": None if details.get("packs") is None else str(details["packs"]),
        "answer_by": _date(_moment(details.get("answer_by")), language, contact),
        "needed_by": _date(facts.needed_by, language, contact),
        "expected": _date(_moment(details.get("expected_at")) or facts.expected_at, language, contact),
        "by": language.actors.get(details.get("by", ""), language.actors["operator"]),
        "why": language.holds.get(why, why) or None,
    }
    return {name: word for name, word in words.items() if word is not None}


def one_line(text: str) -> str:
    """Return foreign words as one short line without anything that could start a header or a new line."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    short = " ".join(printable.split())
    return short if len(short) <= MOST_WORDS else short[: MOST_WORDS - 1].rstrip() + "…"


def _quantity(steps: int | None, facts: Facts, language: Language) -> str | None:
    if steps is None or facts.unit is None:
        return None
    unit, scale = BaseUnit(facts.unit), facts.scale
    if unit is BaseUnit.EACH:
        number = format_quantity(steps, scale)
        one = number == "1"
        return language.one_piece if one else language.pieces.format(number=number.replace(".", language.decimal))
    symbol = SYMBOLS[unit]
    if unit in LARGER and abs(steps) >= 1000 * 10**scale:
        scale, symbol = scale + 3, LARGER[unit]
    return f"{format_quantity(steps, scale).replace('.', language.decimal)} {symbol}"


def _rate(facts: Facts, language: Language) -> str | None:
    """Return the daily use to one decimal, as a quantity; a rate of nothing tells nobody anything."""
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


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _date(at: datetime | None, language: Language, contact: Contact) -> str | None:
    if at is None:
        return None
    try:
        local = at.astimezone(zone(contact.time_zone))
    except OverflowError:  # the first or last day of the calendar, which some programs send for "no date"
        return None
    return language.date.format(
        weekday=language.weekdays[local.weekday()], day=local.day, month=language.months[local.month - 1]
    )


def zone(name: str) -> tzinfo:
    """Return the time zone of that name, else UTC."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return UTC
