"""Compares the tables of order_dispatch with the events: the state of each order follows from its lines."""

from collections import defaultdict
from collections.abc import Iterable

from tests.judge.inputs import Inputs, Row
from tests.judge.lines import ARRIVED, Line, Order, all_lines, replay_orders
from tests.judge.verdict import DIFFERS, FORBIDDEN, LOST, Findings

BEFORE_SHIPMENT = frozenset({"drafted", "reserving", "authorizing", "placing", "unknown", "placed"})


def states_allowed(lines: Iterable[str]) -> frozenset[str]:
    """Return the states that an order may have by the states of its lines."""
    states = set(lines)
    if "shipped" in states or ("ordered" in states and states & (ARRIVED | {"returned"})):
        return frozenset({"shipped"})
    if "ordered" in states:
        return BEFORE_SHIPMENT
    if states & ARRIVED:
        return frozenset({"delivered"})
    if "returned" in states:
        return frozenset({"returned"})
    return frozenset({"refused"}) if states == {"refused"} else frozenset({"cancelled", "failed"})


def check_order_tables(inputs: Inputs) -> Findings:
    found = Findings()
    if "order_dispatch.order_line" not in inputs.tables:
        return found
    orders = replay_orders(inputs, Findings())
    rows: dict[str, list[Row]] = defaultdict(list)
    for row in inputs.table("order_dispatch.order_line"):
        rows[row["order_id"]].append(row)
    for order_row in inputs.table("order_dispatch.orders"):
        _check_order(found, order_row, [row["state"] for row in rows[order_row["order_id"]]])
    lines = all_lines(orders.values())
    for row in (row for of_order in rows.values() for row in of_order):
        order = orders.get(row["order_id"])
        line = order.lines.get(row["line_id"]) if order else None
        where = f"order_dispatch.order_line {row['order_id']}/{row['line_id']}"
        if order is None or line is None:
            found.note(LOST, where, "stored, but no event contains the line", stopped_at="order_dispatch")
        else:
            _check_line(found, where, order, line, row)
    stored = {(row["order_id"], row["line_id"]) for of_order in rows.values() for row in of_order}
    for key in lines.keys() - stored:
        found.note(LOST, lines[key].place, f"{key} is not stored in order_dispatch.order_line")
    _check_parcels(found, inputs, orders)
    return found


def _check_order(found: Findings, row: Row, lines: list[str]) -> None:
    where = f"order_dispatch.orders {row['order_id']}"
    if not lines:
        found.note(FORBIDDEN, where, "has no lines")
    elif row["state"] not in states_allowed(lines):
        allowed = "/".join(sorted(states_allowed(lines)))
        found.note(FORBIDDEN, where, f"is {row['state']}, its lines are {', '.join(lines)}, which means {allowed}")


def _check_line(found: Findings, where: str, order: Order, line: Line, row: Row) -> None:
    left = line.shipped if line.delivered is None else line.delivered
    pairs = [
        ("state", row["state"], line.state),
        ("quantity", row["quantity"], line.quantity),
        ("pool_id", row["pool_id"], line.pool_id),
        ("shipped_quantity", row["shipped_quantity"] or 0, 0 if order.test else left),
    ]
    for what, stored, expected in pairs:
        if stored != expected:
            found.note(DIFFERS, where, f"{what} is {stored}, the events give {expected}")


def _check_parcels(found: Findings, inputs: Inputs, orders: dict[str, Order]) -> None:
    """Both services count each shipment once. Test orders move no goods, so inventory does not know them."""
    for table in ("order_dispatch.shipment_line", "inventory.shipment_line"):
        if table not in inputs.tables:
            continue
        stored: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
        for row in inputs.table(table):
            stored[row["order_id"], row["line_id"]][row["shipment_id"]] = row["quantity"]
        for key, line in all_lines(orders.values()).items():
            if stored[key] != line.parcels and not orders[key.order_id].test:
                what = f"shipments are {stored[key]}, the events give {line.parcels}"
                found.note(DIFFERS, f"{table} {key.order_id}/{key.line_id}", what)
