"""Times that a report's decoder refuses: leap seconds, which are accepted, and what is wrong with the others."""

import re
from datetime import UTC, datetime
from typing import Any

from replenish_contracts.moments import settle_leap_second

#: Below, a number of seconds since 1970; from here on, of milliseconds. Both are the year 5138 or 1973.
MILLISECONDS_FROM = 100_000_000_000
_NUMBER = re.compile(r"[0-9]{9,17}(\.[0-9]*)?")
_LOCAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?")


def settle_times(raw: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return the object with the last microsecond before each leap second in these fields."""
    texts = {name: raw[name] for name in names if isinstance(raw.get(name), str)}
    return raw | {name: at for name, text in texts.items() if (at := settle_leap_second(text)) is not None}


def explain_time(value: object, problem: str) -> tuple[str, str]:
    """Return why this is not a time, and what to send; `problem` is the decoder's text."""
    remedy = "send a time with its UTC offset, for example 2026-01-31T08:00:00Z, or omit the field"
    text = str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    if _NUMBER.fullmatch(text):
        seconds = float(text) if float(text) < MILLISECONDS_FROM else float(text) / 1000
        unit = "seconds" if float(text) < MILLISECONDS_FROM else "milliseconds"
        same = _format_unix(seconds)
        return f"{text} is a number, perhaps of {unit} since 1970", f"send {same}" if same else remedy
    if _LOCAL.fullmatch(text):
        return "the time has no UTC offset", f"send {text}Z if it is in UTC, or {text}+02:00 with your offset"
    if re.search(r"[Tt ]24:", text):
        return "the hour 24 does not exist", "send 00:00:00 of the next day"
    if ":60" in text:
        return "a leap second is 23:59:60 UTC", remedy
    return problem, remedy


def _format_unix(seconds: float) -> str | None:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return None
