"""What a sample provider remembers: every decision is in a file before anybody hears of it."""

import json
import os
from pathlib import Path
from typing import Any

Update = dict[str, Any]
#: Nothing more happens to an order that ended so.
ENDED = ("refused", "delivered", "cancelled")


class Book:
    """Orders taken so far, in a file of JSON lines that survives being killed between any two bytes."""

    def __init__(self, path: Path) -> None:
        #: By order: its latest update.
        self.latest: dict[str, Update] = {}
        #: Those of them that did not end.
        self.open: dict[str, Update] = {}
        #: Decided, but not yet acknowledged by Kafka.
        self.unsaid: dict[str, Update] = {}
        whole = path.read_bytes() if path.exists() else b""
        self._file = path.open("ab")
        self._file.truncate(whole.rfind(b"\n") + 1)  # a kill may have cut the last line
        for line in whole.splitlines(keepends=True):
            if line.endswith(b"\n"):
                self._remember(json.loads(line))

    def write(self, op: str, **more: Any) -> None:
        """Append a line, onto the disk; a line with an `update` is a decision that will be said."""
        line = {"op": op, **more}
        self._file.write(json.dumps(line).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._remember(line)

    def _remember(self, line: dict[str, Any]) -> None:
        if "update" in line:
            self.unsaid[line["update"]["update_id"]] = line["update"]
        if "update" in line and line["op"] != "answered":  # an answer repeats a decision
            self.latest[line["order_id"]] = self.open[line["order_id"]] = line["update"]
        if line["op"] in ENDED:
            self.open.pop(line["order_id"], None)
        if line["op"] == "said":
            self.unsaid.pop(line["update_id"], None)
