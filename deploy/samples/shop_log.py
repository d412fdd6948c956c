"""Log of a sample shop: its orders and responses, in a JSON lines file."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from starlette.responses import JSONResponse

from deploy.samples.order_log import JsonLines

Line = dict[str, Any]


class ShopLog:
    """A shop's log: one line per event, on disk before the response is sent."""

    def __init__(self, path: Path, provider: str) -> None:
        self.provider = provider
        #: Current state: orders by order_id, checkouts by their own id.
        self.orders: dict[str, Line] = {}
        #: By Idempotency-Key: digest of the request body, and the response.
        self.answers: dict[str, tuple[str, int, Line]] = {}
        self._digests: dict[str, str] = {}
        self._file = JsonLines(path, self._remember)

    def write(self, op: str, order_id: str, **more: Any) -> None:
        """Append a line and fsync."""
        if "key" in more:
            more["digest"] = self._digests.pop(more["key"])
        self._file.append({"op": op, "provider_id": self.provider, "order_id": order_id, **more})

    def _remember(self, line: Line) -> None:
        if "order" in line:
            self.orders[line["order"].get("id", line["order_id"])] = line["order"]
        if "key" in line:
            self.answers[line["key"]] = (line["digest"], *line["answer"])

    def find_response(self, key: str, body: bytes) -> JSONResponse | None:
        """Return the earlier response for the key, or an error if it was used with another body."""
        digest = sha256(json.dumps(json.loads(body or b"{}"), sort_keys=True).encode()).hexdigest()
        if key not in self.answers:
            self._digests[key] = digest
            return None
        known, status, answer = self.answers[key]
        if known != digest:
            return refuse(422, "idempotency_conflict", "the key was used with another body")
        return JSONResponse(answer, status, headers={"Idempotent-Replayed": "true"})


def refuse(status: int, code: str, message: str) -> JSONResponse:
    """Return an error with both our fields (code, detail) and ACP's (type, code, message)."""
    return JSONResponse({"type": "invalid_request", "code": code, "message": message, "detail": message}, status)
