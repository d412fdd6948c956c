"""Log of a sample provider: every decision is on disk before it is published."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

Update = dict[str, Any]
#: Operations after which an order has ended.
ENDED = ("refused", "delivered", "cancelled")


class JsonLines:
    """A file of JSON lines that survives a kill at any point; `remember` gets its lines, then each one appended."""

    def __init__(self, path: Path, remember: Callable[[dict[str, Any]], None]) -> None:
        self._remember = remember
        whole = path.read_bytes() if path.exists() else b""
        whole = whole[: whole.rfind(b"\n") + 1]  # a kill may have left a partial last line
        self._file = path.open("ab")
        self._file.truncate(len(whole))
        for line in whole.splitlines():
            remember(json.loads(line))

    def append(self, line: dict[str, Any]) -> None:
        """Append a line; return once it is on disk."""
        self._file.write(json.dumps(line).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._remember(line)

    def close(self) -> None:
        self._file.close()


class OrderLog:
    """Orders accepted so far, in a JSON lines file that survives a kill at any point."""

    def __init__(self, path: Path) -> None:
        #: By order: its latest update.
        self.latest: dict[str, Update] = {}
        #: By order and line id: the line with its latest status. Orders of one line have none.
        self.lines: dict[str, dict[str, Update]] = {}
        #: The latest updates of orders that have not ended.
        self.open: dict[str, Update] = {}
        #: Decided, but not acknowledged by Kafka yet.
        self.unpublished: dict[str, Update] = {}
        self.file = JsonLines(path, self._remember)

    def write(self, op: str, **more: Any) -> None:
        """Append a line and fsync; a line with an `update` is a decision to be published."""
        self.file.append({"op": op, **more})

    def _remember(self, line: dict[str, Any]) -> None:
        if "update" in line:
            self.unpublished[line["update"]["update_id"]] = line["update"]
        if "update" in line and line["op"] != "answered":  # an answer repeats a decision
            self._apply(line["order_id"], line["op"], line["update"])
        if line["op"] == "said":
            self.unpublished.pop(line["update_id"], None)

    def _apply(self, order_id: str, op: str, update: Update) -> None:
        self.latest[order_id] = self.open[order_id] = update
        state: Update = {name: update[name] for name in ("status", "occurred_at", "expected_at") if name in update}
        lines = self.lines.get(order_id, {})
        for line in update.get("lines", ()):
            lines = self.lines.setdefault(order_id, {})
            lines[line["line_id"]] = {**lines.get(line["line_id"], {}), **state, **line}
        statuses = [line["status"] for line in lines.values()] or [op]
        if all(status in ENDED for status in statuses):
            self.open.pop(order_id)
