"""What a sample shop remembers: its orders and the answers it has given, in a file of JSON lines."""

import json
import os
from hashlib import sha256
from pathlib import Path
from typing import Any

from starlette.responses import JSONResponse

Line = dict[str, Any]


class Shelf:
    """A shop's book: one line per thing that happened, on the disk before anybody hears of it."""

    def __init__(self, path: Path, provider: str) -> None:
        self.provider = provider
        #: As they stand: orders by order_id, checkouts by their own id.
        self.orders: dict[str, Line] = {}
        #: By Idempotency-Key: the digest of the body, then what was answered to it.
        self.answers: dict[str, tuple[str, int, Line]] = {}
        self._digests: dict[str, str] = {}
        whole = path.read_bytes() if path.exists() else b""
        self._file = path.open("ab")
        self._file.truncate(whole.rfind(b"\n") + 1)  # a kill may have cut the last line
        for line in whole.splitlines(keepends=True):
            if line.endswith(b"\n"):
                self._remember(json.loads(line))

    def write(self, op: str, order_id: str, **more: Any) -> None:
        """Append a line, onto the disk."""
        if "key" in more:
            more["digest"] = self._digests.pop(more["key"])
        line = {"op": op, "provider_id": self.provider, "order_id": order_id, **more}
        self._file.write(json.dumps(line).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._remember(line)

    def _remember(self, line: Line) -> None:
        if "order" in line:
            self.orders[line["order"].get("id", line["order_id"])] = line["order"]
        if "key" in line:
            self.answers[line["key"]] = (line["digest"], *line["answer"])

    def again(self, key: str, body: bytes) -> JSONResponse | None:
        """Return the answer a key has had before, or the refusal of a key with another body."""
        digest = sha256(json.dumps(json.loads(body or b"{}"), sort_keys=True).encode()).hexdigest()
        if key not in self.answers:
            self._digests[key] = digest
            return None
        known, status, answer = self.answers[key]
        if known != digest:
            return refuse(422, "idempotency_conflict", "the same key came with another body")
        return JSONResponse(answer, status, headers={"Idempotent-Replayed": "true"})


def refuse(status: int, code: str, message: str) -> JSONResponse:
    """Return an error both in our words (code, detail) and in ACP's (type, code, message)."""
    return JSONResponse({"type": "invalid_request", "code": code, "message": message, "detail": message}, status)
