"""Reads the providers' logs: open work and parcels under way."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from deploy.demo.event_log import JsonLinesReader

#: Log operations that end an order.
ENDED = frozenset({"refused", "delivered", "cancelled"})


class Parcel(NamedTuple):
    """Goods in delivery."""

    order_id: str
    steps: int
    arrives_at: datetime


@dataclass
class ProviderLog:
    """One provider's log, followed while it is written."""

    path: Path
    reports_delivery: bool
    #: Ids of the events that the provider consumed.
    read: set[str] = field(default_factory=set)
    accepted: int = 0

    def __post_init__(self) -> None:
        self._lines = JsonLinesReader(self.path)
        self._undecided: set[str] = set()
        self._unpublished: set[str] = set()
        self._open: dict[str, dict[str, Any]] = {}
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
        return settled and not any(self._is_due(update, now) for update in self._open.values())

    def arriving(self, now: datetime) -> Iterator[Parcel]:
        """Yield each parcel that has arrived by now, once."""
        arrived = [parcel for parcel in self._parcels if parcel.arrives_at <= now]
        self._parcels = [parcel for parcel in self._parcels if parcel.arrives_at > now]
        yield from arrived

    def _decided(self, line: dict[str, Any], update: dict[str, Any]) -> None:
        self._unpublished.add(update["update_id"])
        order_id = line["order_id"]
        if line["op"] == "accepted":
            self.accepted += 1
        if line["op"] == "shipped":
            arrives_at = datetime.fromisoformat(update["expected_at"])
            self._parcels.append(Parcel(order_id, update["quantity"], arrives_at))
        if line["op"] in ENDED:
            self._open.pop(order_id, None)
        elif line["op"] in {"accepted", "shipped"}:
            self._open[order_id] = update

    def _is_due(self, update: dict[str, Any], now: datetime) -> bool:
        if update["status"] == "accepted":
            return True  # ships immediately
        return self.reports_delivery and datetime.fromisoformat(update["expected_at"]) <= now
