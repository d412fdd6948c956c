"""JSON logs, and the ids of the event or request being handled, which logs and published events carry."""

import json
import logging
import os
import re
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
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


_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


class JsonLines(logging.Formatter):
    """Formats a log record as one JSON object; extras become fields."""

    def __init__(self, service: str, instance: int) -> None:
        super().__init__()
        self._origin = {"service": service, "instance": instance}

    def format(self, record: logging.LogRecord) -> str:
        work = CURRENT.get()
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
            **self._origin,
        }
        if work.cause:
            line["event"] = work.cause
        if work.origin:
            line["cause"] = work.origin
        if work.traceparent:
            line["traceparent"] = work.traceparent
        line.update({name: value for name, value in vars(record).items() if name not in _PLAIN})
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def configure(service: str, instance: int, level: str) -> None:
    """Send every log line of this process to standard error as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(service, instance))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in ("aiokafka", "httpx", "uvicorn.access", "faststream"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
