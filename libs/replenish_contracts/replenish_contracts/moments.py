"""Times as others write them: leap seconds."""

import re
from datetime import UTC, datetime

_SIXTIETH_SECOND = re.compile(
    r"(?P<minute>[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}):60(\.[0-9]+)?(?P<offset>[Zz]|[+-][0-9]{2}:?[0-9]{2})"
)
_LAST_MINUTE = (23, 59)


def settle_leap_second(text: str) -> str | None:
    """Return a time in a leap second as the last microsecond before it; None for any other text.

    A leap second is 23:59:60 UTC, at any offset. It has no datetime, and Unix time repeats the second before or after
    it.
    """
    found = _SIXTIETH_SECOND.fullmatch(text)
    if found is None:
        return None
    settled = f"{found['minute']}:59.999999{found['offset']}"
    try:
        at = datetime.fromisoformat(settled.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return settled if (at.hour, at.minute) == _LAST_MINUTE else None
