"""Checks orders: drafted once, requested once from one provider, valid transitions to one final state."""

from collections import defaultdict
from collections.abc import Iterable

from tests.judge.inputs import Inputs, Record
from tests.judge.verdict import DIFFERS, DOUBLED, FORBIDDEN, LOST, PHANTOM, UNFINISHED, Findings

#: Valid transitions, independent of the service's table; None is the start.
FOLLOWS: dict[str | None, frozenset[str]] = {
    None: frozenset({"OrderDrafted"}),
    "OrderDrafted": frozenset({"OrderPlaced", "OrderRefused", "OrderUnknown", "OrderCancelled", "OrderFailed"}),
    "OrderUnknown": frozenset({"OrderPlaced", "OrderRefused", "OrderCancelled", "OrderFailed"}),
    "OrderPlaced": frozenset({"OrderShipped", "OrderCancelled"}),
    "OrderShipped": frozenset({"OrderDelivered"}),
    "OrderDelivered": frozenset(),
    "OrderRefused": frozenset(),
    "OrderCancelled": frozenset(),
    "OrderFailed": frozenset(),
}
FACTS = tuple(kind for kind in FOLLOWS if kind is not None)
ENDS = frozenset(kind for kind, after in FOLLOWS.items() if not after)
#: Provider status -> the event that must follow unless the order had already ended.
LEADS_TO = {
    "accepted": "OrderPlaced",
    "refused": "OrderRefused",
    "shipped": "OrderShipped",
    "delivered": "OrderDelivered",
}


def check_orders(inputs: Inputs) -> Findings:
    found = Findings()
    facts = events_by_order(inputs)
    for order, life in facts.items():
        _check_life(found, order, life)
    _check_drafts(found, inputs, facts)
    _check_requests(found, inputs, facts)
    _check_updates(found, inputs, facts)
    found.figures["orders_placed"] = sum(1 for life in facts.values() if _has(life, "OrderPlaced"))
    found.figures["orders_delivered"] = sum(1 for life in facts.values() if _has(life, "OrderDelivered"))
    found.figures["orders_open"] = sum(1 for life in facts.values() if not ENDS & {fact.type for fact in life})
    return found


def events_by_order(inputs: Inputs) -> dict[str, list[Record]]:
    """Return each order's events in log order."""
    facts: dict[str, list[Record]] = defaultdict(list)
    for record in inputs.first_of_each("orders"):
        if record.type in FACTS:
            facts[str(record.data["order_id"])].append(record)
    return facts


def _has(life: Iterable[Record], kind: str) -> bool:
    return any(fact.type == kind for fact in life)


def _check_life(found: Findings, order: str, life: list[Record]) -> None:
    before: str | None = None
    seen: set[str] = set()
    for fact in life:
        if fact.type in seen and fact.type != "OrderUnknown":
            found.note(DOUBLED, fact.place, f"order {order} had {fact.type} before")
        elif fact.type not in FOLLOWS[before]:
            found.note(FORBIDDEN, fact.place, f"order {order}: {fact.type} after {before or '(start)'}")
        seen.add(fact.type)
        before = fact.type


def _check_drafts(found: Findings, inputs: Inputs, facts: dict[str, list[Record]]) -> None:
    approved = {str(record.data["order_id"]): record for record in inputs.events("ReorderApproved")}
    for order, record in approved.items():
        if order not in facts:
            found.note(LOST, record.place, f"order {order} was approved but never drafted", stopped_at="order_dispatch")
    for order, life in facts.items():
        if order not in approved:
            found.note(PHANTOM, life[0].place, f"order {order} was never approved")
        elif life[0].type == "OrderDrafted" and life[0].data["quantity"] != approved[order].data["quantity"]:
            expected = approved[order].data["quantity"]
            found.note(
                DIFFERS, life[0].place, f"order {order}: {life[0].data['quantity']} drafted, {expected} approved"
            )


def _check_requests(found: Findings, inputs: Inputs, facts: dict[str, list[Record]]) -> None:
    """Each drafted order is requested once, from one provider."""
    requested: dict[str, Record] = {}
    for record in inputs.events("OrderRequested"):
        found.figures["orders_requested"] += 1
        order = str(record.data["order_id"])
        if order in requested:
            found.note(DOUBLED, record.place, f"order {order} was requested before at {requested[order].place}")
        requested.setdefault(order, record)
        if order not in facts:
            found.note(PHANTOM, record.place, f"order {order} was requested but never drafted")
        elif record.data["quantity"] != facts[order][0].data.get("quantity"):
            found.note(
                DIFFERS, record.place, f"order {order}: {record.data['quantity']} requested, not the drafted quantity"
            )
    for order, life in facts.items():
        if order not in requested and not ENDS & {fact.type for fact in life}:
            found.note(UNFINISHED, life[-1].place, f"order {order} was drafted but never requested")


def _check_updates(found: Findings, inputs: Inputs, facts: dict[str, list[Record]]) -> None:
    """Each provider update led to its event or came after the order's end."""
    for record in inputs.events("OrderUpdated"):
        found.figures["provider_updates"] += 1
        status, order = str(record.data.get("status")), str(record.data.get("order_id"))
        life = facts.get(order)
        if life is None:
            found.figures["updates_of_unknown_orders"] += 1
        elif status == "cancelled" and not ENDS & {fact.type for fact in life}:
            found.note(
                LOST, record.place, f"order {order}: cancelled by the provider, but still open", stopped_at="dispatch"
            )
        elif status in LEADS_TO and not _has(life, LEADS_TO[status]) and not ENDS & {fact.type for fact in life}:
            what = f"order {order}: the provider reported {status}, but no {LEADS_TO[status]} followed"
            found.note(LOST, record.place, what, stopped_at="order_dispatch")
