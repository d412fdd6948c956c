"""Checks the providers' logs: each order id is accepted at most once over all providers."""

from tests.judge.inputs import Inputs, Row
from tests.judge.orders import events_by_order
from tests.judge.verdict import DIFFERS, DOUBLED, LOST, PHANTOM, Findings


def check_providers(inputs: Inputs) -> Findings:
    found = Findings()
    if not inputs.providers:
        return found
    accepted = _check_acceptances(found, inputs)
    facts = events_by_order(inputs)
    for order, row in accepted.items():
        kinds = {fact.type for fact in facts.get(order, ())}
        if not kinds & {"OrderPlaced", "OrderUnknown", "OrderCancelled"}:
            what = f"{row['provider_id']} accepted order {order}, but orders has no such event"
            found.note(LOST, _place(row), what, stopped_at="between the provider and order_dispatch")
    published = _published_updates(inputs)
    for row in inputs.providers:
        if row["op"] in {"accepted", "refused", "shipped", "delivered", "cancelled"}:
            found.figures[f"provider_{row['op']}"] += 1
            if (row["order_id"], row["op"]) not in published:
                what = f"{row['provider_id']} logged `{row['op']}` for order {row['order_id']}, but did not publish it"
                found.note(LOST, _place(row), what, stopped_at="the provider, before its topic")
    return found


def _check_acceptances(found: Findings, inputs: Inputs) -> dict[str, Row]:
    requested = {str(record.data["order_id"]): record for record in inputs.events("OrderRequested")}
    accepted: dict[str, Row] = {}
    for row in inputs.providers:
        if row["op"] != "accepted":
            continue
        order = row["order_id"]
        if order in accepted:
            what = f"order {order} was accepted by {accepted[order]['provider_id']} and by {row['provider_id']}"
            found.note(DOUBLED, _place(row), what)
        accepted.setdefault(order, row)
        if order not in requested:
            found.note(PHANTOM, _place(row), f"order {order} was accepted but never requested")
        elif row.get("quantity") not in (None, requested[order].data["quantity"]):
            found.note(DIFFERS, _place(row), f"order {order}: accepted {row['quantity']}, not the requested quantity")
    return accepted


def _published_updates(inputs: Inputs) -> set[tuple[str, str]]:
    return {
        (str(record.data.get("order_id")), str(record.data.get("status"))) for record in inputs.events("OrderUpdated")
    }


def _place(row: Row) -> str:
    return f"the log of {row['provider_id']}"
