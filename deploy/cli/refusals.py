"""Refusals of the services' HTTP APIs as messages of the command line."""

import json
from typing import Any


def message_of(status: int, url: str, body: bytes | str) -> str:
    """Return what a refusal says: its title, then problem and remedy of each error."""
    try:
        document: Any = json.loads(body)
        title = str(document["title"])
    except (ValueError, KeyError, TypeError):
        return f"{url} answered {status}"
    errors = [one for one in document.get("errors") or document.get("refused") or () if isinstance(one, dict)]
    return "\n".join([title, *map(_line_of, errors)])


def _line_of(error: dict[str, Any]) -> str:
    field = f"{error['field']}: " if error.get("field") else ""
    remedy = f"; {error['remedy']}" if error.get("remedy") else ""
    return f"  {field}{error.get('problem', '')}{remedy}"
