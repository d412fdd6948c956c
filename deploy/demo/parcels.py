"""Reads the providers' logs: open work and parcels under way."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from deploy.demo.event_log import JsonLinesReader

#: Log operations that end an order.
ENDED = frozenset({"refused", "delivered", "cancelled"})
#: With part shipments, the first of several lines leaves this much later than the others.
SECOND_PARCEL = timedelta(days=1)


class Parcel(NamedTuple):
    """Goods of one line in delivery."""

    order_id: str
    #: None if the order has a single line.
    line_id: str | None
    steps: int
    arrives_at: datetime


@dataclass
class ProviderLog:
    """One provider's log, followed while it is written."""

    path: Path
    reports_delivery: bool
    #: Whether the first of several lines leaves SECOND_PARCEL after the others.
    part_shipments: bool = False
    #: Ids of the events that the provider consumed.
    read: set[str] = field(default_factory=set)
    accepted: int = 0

    def __post_init__(self) -> None:
        self._lines = JsonLinesReader(self.path)
        self._undecided: set[str] = set()
        self._unpublished: set[str] = set()
        #: Lines that have not ended, by order and line id, with their latest status and its dates.
        self._open: dict[str, dict[str | None, dict[str, Any]]] = {}
        self._parcels: list[Parcel] = []

    def catch_up(self) -> None:
        """Read the lines written since the last call."""
        for line in self._lines.new_lines():
            if line["op"] == "read":
                self.read.add(line["id"])
                self._undecided.add(line["order_id"])
                continue
            self._undecided.discard(line["order_id"])
            if line["op"] == "said":
                self._unpublished.discard(line["update_id"])
            elif "update" in line:
                self._decided(line, line["update"])

    def is_idle(self, now: datetime) -> bool:
        """Whether every consumed event is decided, every decision is published, and no promised date is due."""
        settled = not self._undecided and not self._unpublished
        return settled and not any(self._is_due(line, now) for lines in self._open.values() for line in lines.values())

    def arriving(self, now: datetime) -> Iterator[Parcel]:
        """Yield each parcel that has arrived by now, once."""
        arrived = [parcel for parcel in self._parcels if parcel.arrives_at <= now]
        self._parcels = [parcel for parcel in self._parcels if parcel.arrives_at > now]
        yield from arrived

    def _decided(self, line: dict[str, Any], update: dict[str, Any]) -> None:
        self._unpublished.add(update["update_id"])
        order_id, op = line["order_id"], line["op"]
        if op == "answered":  # repeats a decision
            return
        if op == "accepted":
            self.accepted += 1
        lines = self._open.setdefault(order_id, {})
        named = update.get("lines") or [{"line_id": line_id} for line_id in lines or (None,)]
        for number, part in enumerate(named):
            state = {"status": part.get("status", op), "expected_at": update.get("expected_at"), "leaves_at": None}
            if op == "accepted" and self.part_shipments and len(named) > 1 and number == 0:
                state["leaves_at"] = datetime.fromisoformat(update["occurred_at"]) + SECOND_PARCEL
            if op == "shipped":
                arrives_at, steps = datetime.fromisoformat(update["expected_at"]), part.get("quantity")
                self._parcels.append(Parcel(order_id, part["line_id"], steps or update["quantity"], arrives_at))
            lines[part["line_id"]] = state
            if state["status"] in ENDED:
                del lines[part["line_id"]]
        if not lines:
            del self._open[order_id]

    def _is_due(self, line: dict[str, Any], now: datetime) -> bool:
        if line["status"] == "accepted":
            leaves_at: datetime | None = line["leaves_at"]
            return leaves_at is None or leaves_at <= now  # by default at once
        return self.reports_delivery and datetime.fromisoformat(line["expected_at"]) <= now
