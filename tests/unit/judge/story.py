"""A small true story as evidence: one slot runs low and is restocked; tests then falsify it."""

import json
from typing import Any

from tests.judge.evidence import Evidence, Record

POOL = {"customer_id": "ann", "product_id": "pods", "pool_id": "ann/pods"}
PLACE = {"device_id": "brewer", "slot": "1"}
ORDER = POOL | {"order_id": "o1", "provider_id": "acme", "occurred_at": "2026-01-02T08:00:00Z"}
REPORT = PLACE | {"occurred_at": "2026-01-01T08:00:00Z", "received_at": "2026-01-01T08:00:01Z"}


class Story:
    """Builds evidence record by record; `say` numbers and times them as the services would."""

    def __init__(self) -> None:
        self.evidence = Evidence()
        self._moment = 1_000
        self._calls = 0

    def say(self, topic: str, kind: str, data: dict[str, Any], *, cause: str = "", **changes: Any) -> Record:
        records = self.evidence.topics.setdefault(topic, [])
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
        """Append the same bytes again, as a relay does that took over."""
        records = self.evidence.topics[record.topic]
        self._moment += 1
        records.append(record._replace(offset=len(records), appended_ms=self._moment))

    def drop(self, record: Record) -> None:
        self.evidence.topics[record.topic].remove(record)

    def report(self, kind: str, seq: int, *, outcome: str = "ok", boot: str = "b", **values: Any) -> Record | None:
        """A client sends a report and, if it went well, it lies on usage."""
        self._calls += 1
        call = {"file": "a", "call": self._calls}
        body = REPORT | {"type": kind, "boot": boot, "seq": seq, "unit": "count"} | values
        self.evidence.calls.append(call | {"op": "invoke", "what": "report", "device_id": "brewer", "reports": [body]})
        if outcome == "ok":
            self.evidence.calls.append(call | {"op": "ok", "accepted": [0], "refused": []})
        elif outcome == "fail":
            self.evidence.calls.append(call | {"op": "fail", "status": 422})
        if outcome == "fail":
            return None
        written = REPORT | {"boot": boot, "seq": seq} | {k: v for k, v in values.items() if k in {"quantity", "level"}}
        return self.say("usage", kind, written)

    def row(self, table: str, **values: Any) -> dict[str, Any]:
        self.evidence.tables.setdefault(table, []).append(values)
        return values

    def mail(self, notice_id: str) -> None:
        self.evidence.mails.append({"message_id": f"<{notice_id}@replenish>"})

    def provider(self, op: str, **values: Any) -> None:
        self.evidence.providers.append({"op": op, "provider_id": "acme", "order_id": "o1"} | values)

    def fact(self, kind: str, **values: Any) -> Record:
        return self.say("orders", kind, ORDER | values)

    def update(self, status: str) -> Record:
        data = {"provider_id": "acme", "order_id": "o1", "update_id": f"u-{status}", "status": status}
        return self.say("provider-updates-acme", "OrderUpdated", data)


def registered(*, loading: str = "by_hand", fill: str = "add", unit: str = "C62") -> Story:
    """A customer with one slot of 100 steps, 50 in it."""
    story = Story()
    slot = {"slot": "1", "product_id": "pods", "unit": unit, "scale": 0, "capacity": 100, "level": 50}
    slot |= {"loading": loading, "fill": fill}
    story.say("accounts", "DeviceRegistered", POOL | PLACE | {"registration": 1, "slots": [slot]})
    return story


def restocked() -> Story:
    """The whole way: 40 used, crossed, approved, ordered, delivered to the shelf, loaded, told."""
    story = registered()
    story.say("reorders", "SubscriptionChanged", POOL | {"status": "active"})
    story.say("reorders", "TriggerSet", POOL | PLACE | {"epoch": 1})
    story.report("SlotUsed", 1, quantity=40)
    crossing = story.say("slots", "ThresholdCrossed", POOL | PLACE | {"epoch": 1, "level": 10})
    approval = ORDER | PLACE | {"epoch": 1, "packs": 2, "pack_size": 30, "quantity": 60}
    story.say("reorders", "ReorderApproved", approval, cause=crossing.id)
    story.fact("OrderDrafted", packs=2, quantity=60)
    story.say("provider-orders-acme", "OrderRequested", ORDER | {"quantity": 60})
    story.provider("accepted", quantity=60)
    story.update("accepted")
    placed = story.fact("OrderPlaced", packs=2, quantity=60)
    told = {"customer_id": "ann", "notice_id": "n1", "kind": "order_placed", "channel": "email", "order_id": "o1"}
    story.say("notices", "CustomerNotified", told, cause=placed.id)
    story.mail("n1")
    story.provider("shipped")
    story.update("shipped")
    story.fact("OrderShipped", quantity=60)
    story.fact("OrderDelivered", quantity=60, evidence="estimated", **PLACE)
    stock = {"owner_id": "ann", "product_id": "pods"}
    story.say("stock", "StockArrived", stock | {"order_id": "o1", "quantity": 60, "shelf": 60})
    story.say("reorders", "TriggerSet", POOL | PLACE | {"epoch": 2})
    story.report("SlotRefilled", 2, quantity=30)
    filled = story.say("slots", "SlotFilled", POOL | PLACE | {"quantity": 30, "level": 40, "cause": "reported"})
    counted = stock | {"shelf": 30, "difference": -30, "cause": "loaded"}
    story.say("stock", "StockCounted", counted, cause=filled.id)
    _tables(story)
    return story


def _tables(story: Story) -> None:
    story.row("consumption.slot", level=40, used_total=40, **PLACE)
    owner = {"owner_id": "ann", "product_id": "pods"}
    entries = [(1, "supplier", -60), (1, "in_transit", 60), (2, "in_transit", -60), (2, "shelf", 60)]
    entries += [(3, "shelf", -30), (3, "loaded", 30)]
    balances: dict[str, int] = {}
    for number, place, quantity in entries:
        story.row("inventory.ledger_entry", number=number, place=place, quantity=quantity, **owner)
        balances[place] = balances.get(place, 0) + quantity
    for place, balance in balances.items():
        story.row("inventory.account", place=place, balance=balance, **owner)
    story.row("inventory.stock", total=30, available=30, allocated=0, **owner)
    slots = story.evidence.topics["slots"]
    story.row("consumption.counter", topic="slots", partition=0, sequence=len(slots), published=len(slots))
    usage = story.evidence.topics["usage"]
    last = {"last_id": usage[-1].id, "last_offset": usage[-1].offset}
    story.row("consumption.checkpoint", topic="usage", partition=0, next_offset=len(usage), **last)
