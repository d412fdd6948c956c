"""Writes the event log, one JSON line per event; a line is written before the action it announces."""

import json
from pathlib import Path
from typing import Any


class EventLog:
    """One file of the event log; tests/judge/README.md documents the files."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)
        self._calls = 0

    def write(self, **line: Any) -> None:
        self._file.write(json.dumps(line).encode() + b"\n")

    def close(self) -> None:
        self._file.close()

    def invoke(self, **line: Any) -> int:
        """Record a call before it is made; return its number for the line with its result."""
        self._calls += 1
        self.write(op="invoke", call=self._calls, **line)
        return self._calls


class JsonLinesReader:
    """Follows a JSON lines file that another process appends to."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0

    def new_lines(self) -> list[dict[str, Any]]:
        """Return the complete lines written since the last call."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._at)
            read = file.read()
        whole = read[: read.rfind(b"\n") + 1]
        self._at += len(whole)
        return [json.loads(line) for line in whole.splitlines()]
