"""JSON logging, one object per line, with the ids of the event being handled."""

import json
import logging
import sys
from datetime import UTC, datetime

from libs.kit.context import CURRENT

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
