"""Builds judge inputs of one slot that runs low and is restocked; tests then falsify them."""

import json
from typing import Any

from tests.judge.inputs import Inputs, Record

POOL = {"customer_id": "ann", "product_id": "pods", "pool_id": "ann/pods"}
PLACE = {"device_id": "brewer", "slot": "1"}
ORDER = POOL | {"order_id": "o1", "provider_id": "acme", "occurred_at": "2026-01-02T08:00:00Z"}
REPORT = PLACE | {"occurred_at": "2026-01-01T08:00:00Z", "received_at": "2026-01-01T08:00:01Z"}


class Scenario:
    """Builds the inputs event by event, with the sequences and times of real services."""

    def __init__(self) -> None:
        self.inputs = Inputs()
        self._moment = 1_000
        self._calls = 0

    def add_event(self, topic: str, kind: str, data: dict[str, Any], *, cause: str = "", **changes: Any) -> Record:
        records = self.inputs.topics.setdefault(topic, [])
        number = len(records) + 1
        event = {
            "id": f"{topic}-{number}",
            "type": kind,
            "cause": cause,
            "data": data,
            "sequence": str(number),
        } | changes
        if topic == "usage" or topic.startswith("provider-updates"):
            del event["sequence"]
        self._moment += 1
        records.append(Record(topic, 0, number - 1, self._moment, None, json.dumps(event), event))
        return records[-1]

    def repeat(self, record: Record) -> None:
        """Append the same bytes again, as a relay may after a restart."""
        records = self.inputs.topics[record.topic]
        self._moment += 1
        records.append(record._replace(offset=len(records), appended_ms=self._moment))

    def drop(self, record: Record) -> None:
        self.inputs.topics[record.topic].remove(record)

    def report(self, kind: str, seq: int, *, outcome: str = "ok", boot: str = "b", **values: Any) -> Record | None:
        """Log a client's call and, unless it was refused, write its report to usage."""
        self._calls += 1
        call = {"file": "a", "call": self._calls}
        body = REPORT | {"type": kind, "boot": boot, "seq": seq, "unit": "count"} | values
        self.inputs.calls.append(call | {"op": "invoke", "what": "report", "device_id": "brewer", "reports": [body]})
        if outcome == "ok":
            self.inputs.calls.append(call | {"op": "ok", "accepted": [0], "refused": []})
        elif outcome == "fail":
            self.inputs.calls.append(call | {"op": "fail", "status": 422})
        if outcome == "fail":
            return None
        written = REPORT | {"boot": boot, "seq": seq} | {k: v for k, v in values.items() if k in {"quantity", "level"}}
        return self.add_event("usage", kind, written)

    def row(self, table: str, **values: Any) -> dict[str, Any]:
        self.inputs.tables.setdefault(table, []).append(values)
        return values

    def mail(self, notice_id: str) -> None:
        self.inputs.mails.append({"message_id": f"<{notice_id}@replenish>"})

    def provider(self, op: str, **values: Any) -> None:
        self.inputs.providers.append({"op": op, "provider_id": "acme", "order_id": "o1"} | values)

    def fact(self, kind: str, **values: Any) -> Record:
        return self.add_event("orders", kind, ORDER | values)

    def update(self, status: str) -> Record:
        data = {"provider_id": "acme", "order_id": "o1", "update_id": f"u-{status}", "status": status}
        return self.add_event("provider-updates-acme", "OrderUpdated", data)


def registered(*, loading: str = "by_hand", fill: str = "add", unit: str = "C62") -> Scenario:
    """A customer with one slot of 100 steps, 50 in it."""
    scenario = Scenario()
    slot = {"slot": "1", "product_id": "pods", "unit": unit, "scale": 0, "capacity": 100, "level": 50}
    slot |= {"loading": loading, "fill": fill}
    scenario.add_event("accounts", "DeviceRegistered", POOL | PLACE | {"registration": 1, "slots": [slot]})
    return scenario


def restocked() -> Scenario:
    """A full restock: 40 used, crossed, approved, ordered, delivered to the shelf, loaded, notified."""
    scenario = registered()
    scenario.add_event("reorders", "SubscriptionChanged", POOL | {"status": "active"})
    scenario.add_event("reorders", "TriggerSet", POOL | PLACE | {"epoch": 1})
    scenario.report("SlotUsed", 1, quantity=40)
    crossing = scenario.add_event("slots", "ThresholdCrossed", POOL | PLACE | {"epoch": 1, "level": 10})
    approval = ORDER | PLACE | {"epoch": 1, "packs": 2, "pack_size": 30, "quantity": 60}
    scenario.add_event("reorders", "ReorderApproved", approval, cause=crossing.id)
    scenario.fact("OrderDrafted", packs=2, quantity=60)
    scenario.add_event("provider-orders-acme", "OrderRequested", ORDER | {"quantity": 60})
    scenario.provider("accepted", quantity=60)
    scenario.update("accepted")
    placed = scenario.fact("OrderPlaced", packs=2, quantity=60)
    notified = {"customer_id": "ann", "notice_id": "n1", "kind": "order_placed", "channel": "email", "order_id": "o1"}
    scenario.add_event("notices", "CustomerNotified", notified, cause=placed.id)
    scenario.mail("n1")
    scenario.provider("shipped")
    scenario.update("shipped")
    scenario.fact("OrderShipped", quantity=60)
    scenario.fact("OrderDelivered", quantity=60, evidence="estimated", **PLACE)
    stock = {"owner_id": "ann", "product_id": "pods"}
    scenario.add_event("stock", "StockArrived", stock | {"order_id": "o1", "quantity": 60, "shelf": 60})
    scenario.add_event("reorders", "TriggerSet", POOL | PLACE | {"epoch": 2})
    scenario.report("SlotRefilled", 2, quantity=30)
    filled = scenario.add_event(
        "slots", "SlotFilled", POOL | PLACE | {"quantity": 30, "level": 40, "cause": "reported"}
    )
    counted = stock | {"shelf": 30, "difference": -30, "cause": "loaded"}
    scenario.add_event("stock", "StockCounted", counted, cause=filled.id)
    _tables(scenario)
    return scenario


def _tables(scenario: Scenario) -> None:
    scenario.row("consumption.slot", level=40, used_total=40, **PLACE)
    owner = {"owner_id": "ann", "product_id": "pods"}
    entries = [(1, "supplier", -60), (1, "in_transit", 60), (2, "in_transit", -60), (2, "shelf", 60)]
    entries += [(3, "shelf", -30), (3, "loaded", 30)]
    balances: dict[str, int] = {}
    for number, place, quantity in entries:
        scenario.row("inventory.ledger_entry", number=number, place=place, quantity=quantity, **owner)
        balances[place] = balances.get(place, 0) + quantity
    for place, balance in balances.items():
        scenario.row("inventory.account", place=place, balance=balance, **owner)
    scenario.row("inventory.stock", total=30, available=30, allocated=0, **owner)
    slots = scenario.inputs.topics["slots"]
    scenario.row("consumption.counter", topic="slots", partition=0, sequence=len(slots), published=len(slots))
    usage = scenario.inputs.topics["usage"]
    last = {"last_id": usage[-1].id, "last_offset": usage[-1].offset}
    scenario.row("consumption.checkpoint", topic="usage", partition=0, next_offset=len(usage), **last)
