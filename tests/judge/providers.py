"""Checks the providers' own logs: at most one accepted order per order id over all providers."""

from tests.judge.evidence import Evidence, Row
from tests.judge.orders import facts_by_order
from tests.judge.verdict import DIFFERS, DOUBLED, LOST, PHANTOM, Findings


def judge_providers(evidence: Evidence) -> Findings:
    found = Findings()
    if not evidence.providers:
        return found
    accepted = _judge_acceptances(found, evidence)
    facts = facts_by_order(evidence)
    for order, row in accepted.items():
        kinds = {fact.type for fact in facts.get(order, ())}
        if not kinds & {"OrderPlaced", "OrderUnknown", "OrderCancelled"}:
            what = f"{row['provider_id']} accepted order {order} and we do not know it"
            found.note(LOST, _place(row), what, stopped_at="between the provider and order_dispatch")
    told = _told(evidence)
    for row in evidence.providers:
        if row["op"] in {"accepted", "refused", "shipped", "delivered", "cancelled"}:
            found.figures[f"provider_{row['op']}"] += 1
            if (row["order_id"], row["op"]) not in told:
                what = f"{row['provider_id']} did `{row['op']}` to order {row['order_id']}; its topic does not say so"
                found.note(LOST, _place(row), what, stopped_at="the provider, before its topic")
    return found


def _judge_acceptances(found: Findings, evidence: Evidence) -> dict[str, Row]:
    requested = {str(record.data["order_id"]): record for record in evidence.said("OrderRequested")}
    accepted: dict[str, Row] = {}
    for row in evidence.providers:
        if row["op"] != "accepted":
            continue
        order = row["order_id"]
        if order in accepted:
            what = f"order {order} was accepted by {accepted[order]['provider_id']} and by {row['provider_id']}"
            found.note(DOUBLED, _place(row), what)
        accepted.setdefault(order, row)
        if order not in requested:
            found.note(PHANTOM, _place(row), f"order {order} was accepted and never requested")
        elif row.get("quantity") not in (None, requested[order].data["quantity"]):
            found.note(DIFFERS, _place(row), f"order {order}: accepted {row['quantity']}, not what was requested")
    return accepted


def _told(evidence: Evidence) -> set[tuple[str, str]]:
    return {
        (str(record.data.get("order_id")), str(record.data.get("status"))) for record in evidence.said("OrderUpdated")
    }


def _place(row: Row) -> str:
    return f"the log of {row['provider_id']}"
