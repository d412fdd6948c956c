"""Promised deliveries in the messages of providers."""

import re
from typing import Any

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def move_date(fields: Any) -> Any:
    """Return the fields of an update with a date in `expected_at` as `expected_date`; a model_validator, mode before.

    Any time, even midnight, stays one: these messages have a field for dates.
    """
    at = fields.get("expected_at") if isinstance(fields, dict) else None
    if not isinstance(at, str) or not _DATE.fullmatch(at.strip()) or fields.get("expected_date") is not None:
        return fields
    return {name: value for name, value in fields.items() if name != "expected_at"} | {"expected_date": at.strip()}
