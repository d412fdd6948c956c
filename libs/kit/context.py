"""What is being worked on: the ids that logs and the events said meanwhile carry along."""

import os
import re
from contextvars import ContextVar
from typing import NamedTuple


class Work(NamedTuple):
    """The event or request being handled."""

    #: Its id: the cause of whatever comes of it.
    cause: str | None = None
    traceparent: str | None = None
    #: What it came of itself.
    origin: str | None = None


CURRENT: ContextVar[Work] = ContextVar("CURRENT", default=Work())  # noqa: B039  # a tuple does not change

#: W3C trace context: version, trace id, parent span, flags.
_TRACEPARENT = re.compile(r"^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")


def next_hop(traceparent: str | None) -> str | None:
    """Return the same trace with a span of our own, or nothing where there is no valid trace."""
    if traceparent is None or not _TRACEPARENT.match(traceparent):
        return None
    version, trace_id, _, flags = traceparent.split("-")
    return f"{version}-{trace_id}-{os.urandom(8).hex()}-{flags}"
