"""Context of the event or request being handled: the ids that logs and published events carry."""

import os
import re
from contextvars import ContextVar
from typing import NamedTuple


class Work(NamedTuple):
    """The event or request being handled."""

    #: Its id, which becomes the cause of the events it leads to.
    cause: str | None = None
    traceparent: str | None = None
    #: The id of the event that caused it.
    origin: str | None = None


CURRENT: ContextVar[Work] = ContextVar("CURRENT", default=Work())  # noqa: B039  # a tuple is immutable

#: W3C trace context: version, trace id, parent span, flags.
_TRACEPARENT = re.compile(r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")


def next_hop(traceparent: str | None) -> str | None:
    """Return the trace with a new span id, or None if `traceparent` is missing or invalid."""
    if traceparent is None or not _TRACEPARENT.match(traceparent):
        return None
    version, trace_id, _, flags = traceparent.split("-")
    return f"{version}-{trace_id}-{os.urandom(8).hex()}-{flags}"
