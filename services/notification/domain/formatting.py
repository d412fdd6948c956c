"""Quantities, prices, dates and external text as mails print them."""

from datetime import UTC, date, datetime, tzinfo
from zoneinfo import ZoneInfo

from replenish_contracts.units import SYMBOLS, BaseUnit, format_money, format_quantity
from services.notification.domain.language import Language

#: Limit of names, titles and reasons, in characters.
MAX_TEXT_LENGTH = 120
#: Characters without a width of their own, which are left out rather than shown as spaces: soft hyphen, joiners,
#: direction marks and embeddings, byte order mark.
_INVISIBLE = frozenset("\u00ad\u061c\u200d\u200e\u200f\u2060\ufeff") | {
    chr(point) for first, last in ((0x202A, 0x202E), (0x2066, 0x2069)) for point in range(first, last + 1)
}
#: Unit used instead from 1,000 of the smaller unit on.
LARGER = {BaseUnit.GRAM: "kg", BaseUnit.MILLILITRE: "l"}


def one_line(text: str) -> str:
    """Return external text as one printable line of limited length, so that it cannot inject a header or a line."""
    printable = "".join(
        "" if character in _INVISIBLE else character if character.isprintable() else " " for character in text
    )
    short = " ".join(printable.split())
    return short if len(short) <= MAX_TEXT_LENGTH else short[: MAX_TEXT_LENGTH - 1].rstrip() + "…"


def show_quantity(steps: int | None, unit: str | None, scale: int, language: Language) -> str | None:
    if steps is None or unit is None:
        return None
    base = BaseUnit(unit)
    if base is BaseUnit.EACH:
        number = format_quantity(steps, scale)
        return (
            language.one_piece
            if number == "1"
            else language.pieces.format(number=number.replace(".", language.decimal))
        )
    symbol = f" {SYMBOLS[base]}" if base is not BaseUnit.PERCENT else language.percent
    if base in LARGER and abs(steps) >= 1000 * 10**scale:
        scale, symbol = scale + 3, f" {LARGER[base]}"
    return f"{format_quantity(steps, scale).replace('.', language.decimal)}{symbol}"


def show_rate(rate_per_day: float | None, unit: str | None, scale: int, language: Language) -> str | None:
    """Return the daily use to one decimal; None if it rounds to zero."""
    if rate_per_day is None or unit is None:
        return None
    tenths, base = round(rate_per_day * 10), BaseUnit(unit)
    if tenths <= 0:
        return None
    number = format_quantity(tenths, scale + 1).replace(".", language.decimal)
    if base is BaseUnit.EACH:
        return number
    return number + (language.percent if base is BaseUnit.PERCENT else f" {SYMBOLS[base]}")


def show_money(amount: int | None, currency: str | None, language: Language) -> str | None:
    if amount is None or currency is None:
        return None
    return f"{format_money(amount, currency).replace('.', language.decimal)} {currency}"


def show_date(at: datetime | date | None, language: Language, time_zone: str) -> str | None:
    """Return the day of a time in the time zone; a date is the same in all of them."""
    if at is None:
        return None
    try:
        local = at.astimezone(zone(time_zone)) if isinstance(at, datetime) else at
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
