"""Checks the providers' logs: each order id is accepted at most once over all providers."""

from tests.judge.inputs import Inputs, Record, Row
from tests.judge.lines import lines_in, replay_orders
from tests.judge.orders import placed_or_ended
from tests.judge.verdict import DIFFERS, DOUBLED, LOST, PHANTOM, Findings


def check_providers(inputs: Inputs) -> Findings:
    found = Findings()
    if not inputs.providers:
        return found
    accepted = _check_acceptances(found, inputs)
    known = placed_or_ended(replay_orders(inputs, Findings()).values())
    for order, row in accepted.items():
        if order not in known:
            what = f"{row['provider_id']} accepted order {order}, but orders has no such event"
            found.note(LOST, _place(row), what, stopped_at="between the provider and order_dispatch")
    published = _published_updates(inputs)
    for row in inputs.providers:
        if row["op"] in {"accepted", "refused", "shipped", "delivered", "cancelled"}:
            found.figures[f"provider_{row['op']}"] += 1
            if (row["order_id"], row["op"], _content(row).get("shipment_id")) not in published:
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
        else:
            _check_accepted_lines(found, row, requested[order])
    return accepted


def _check_accepted_lines(found: Findings, row: Row, request: Record) -> None:
    asked = {str(line["line_id"]): line.get("quantity") for line in lines_in(request)}
    named = _content(row).get("lines") or [{"line_id": line_id, "quantity": row.get("quantity")} for line_id in asked]
    for line in named:
        expected = asked.get(str(line["line_id"]))
        if line.get("quantity") is not None and line["quantity"] != expected:
            what = f"line {line['line_id']} of order {row['order_id']}: accepted {line['quantity']}, not the requested"
            found.note(DIFFERS, _place(row), f"{what} quantity")


def _content(row: Row) -> Row:
    """Return the update that the provider published; a log without it has the fields of the update in its line."""
    content: Row = row.get("update") or row
    return content


def _published_updates(inputs: Inputs) -> set[tuple[str, str, str | None]]:
    return {
        (str(record.data.get("order_id")), str(record.data.get("status")), record.data.get("shipment_id"))
        for record in inputs.events("OrderUpdated")
    }


def _place(row: Row) -> str:
    return f"the log of {row['provider_id']}"
