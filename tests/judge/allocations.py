"""Checks allocations of providers' stock: all lines of an order or none, once, and released when they are not shipped."""

from collections import Counter, defaultdict

from tests.judge.inputs import Inputs, Record
from tests.judge.lines import Order, replay_orders
from tests.judge.verdict import DIFFERS, DOUBLED, FORBIDDEN, LOST, PHANTOM, UNBALANCED, Findings

#: Line id, or the product if an allocation has no lines.
Quantities = Counter[str]


def check_allocations(inputs: Inputs) -> Findings:
    found = Findings()
    orders = replay_orders(inputs, Findings())
    requested = {str(record.data["order_id"]): record for record in inputs.events("AllocationRequested")}
    allocated = _check_answers(found, inputs, requested, orders)
    _check_releases(found, inputs, allocated, orders)
    _check_rows(found, inputs, orders)
    found.figures["orders_allocated"] = len(allocated)
    return found


def quantities_in(record: Record) -> Quantities:
    quantities: Quantities = Counter()
    for line in record.data["lines"]:
        quantities[str(line.get("line_id") or line["product_id"])] += line["quantity"]
    return quantities


def _check_answers(
    found: Findings, inputs: Inputs, requested: dict[str, Record], orders: dict[str, Order]
) -> dict[str, Record]:
    """Each request is answered once, by all of its lines or by a shortage that names lines of it."""
    answers: dict[str, Record] = {}
    for record in inputs.events("StockAllocated", "StockShort"):
        order_id = str(record.data["order_id"])
        request = requested.get(order_id)
        if order_id in answers:
            found.note(DOUBLED, record.place, f"order {order_id} got {answers[order_id].type} before")
        answers.setdefault(order_id, record)
        if request is None:
            found.note(PHANTOM, record.place, f"order {order_id}: {record.type} without AllocationRequested")
        elif record.type == "StockAllocated":
            _check_all_lines(found, record, request, orders.get(order_id))
        else:
            _check_shortage(found, record, request)
    return {order_id: record for order_id, record in answers.items() if record.type == "StockAllocated"}


def _check_all_lines(found: Findings, record: Record, request: Record, order: Order | None) -> None:
    wanted, got = quantities_in(request), quantities_in(record)
    lines = order.lines.values() if order else ()
    ended = {line.key.line_id for line in lines if line.state in {"cancelled", "refused"}}
    for line_id in wanted.keys() | got.keys():
        # A line that ended before the request was processed gets nothing.
        if got[line_id] != wanted[line_id] and not (line_id in ended and not got[line_id]):
            what = f"order {record.data['order_id']}, {line_id}: {got[line_id]} allocated, {wanted[line_id]} requested"
            found.note(UNBALANCED, record.place, what)


def _check_shortage(found: Findings, record: Record, request: Record) -> None:
    lines_of: dict[str, set[str]] = defaultdict(set)
    for line in request.data["lines"]:
        if line.get("line_id") and line["quantity"]:
            lines_of[line["product_id"]].add(str(line["line_id"]))
    for shortage in record.data["shortages"]:
        named, product_id = set(shortage.get("line_ids") or ()), shortage["product_id"]
        if named and named != lines_of[product_id]:
            what = f"{product_id} is short for lines {sorted(named)}, its lines are {sorted(lines_of[product_id])}"
            found.note(DIFFERS, record.place, f"order {record.data['order_id']}: {what}")
        if shortage["available"] >= shortage["requested"]:
            what = f"{shortage['available']} of {product_id} available, {shortage['requested']} requested"
            found.note(FORBIDDEN, record.place, f"order {record.data['order_id']} is short: {what}")


def _check_releases(found: Findings, inputs: Inputs, allocated: dict[str, Record], orders: dict[str, Order]) -> None:
    """No line is released beyond its allocation, and a line that ended without goods keeps nothing."""
    released: dict[str, Quantities] = defaultdict(Counter)
    for record in inputs.events("StockReleased"):
        order_id = str(record.data["order_id"])
        released[order_id] += quantities_in(record)
        if order_id not in allocated:
            found.note(PHANTOM, record.place, f"order {order_id} was released but never allocated")
    for order_id, record in allocated.items():
        kept = quantities_in(record)
        kept.subtract(released[order_id])
        lines = orders[order_id].lines if order_id in orders else {}
        for line_id, quantity in kept.items():
            line = lines.get(line_id)
            if quantity < 0:
                what = f"order {order_id}, {line_id}: {-quantity} more released than allocated"
                found.note(UNBALANCED, record.place, what)
            elif line is not None and line.state in {"cancelled", "refused"} and quantity:
                what = f"{line.key} was {line.state}, but {quantity} stay allocated"
                found.note(LOST, record.place, what, stopped_at="inventory")
            elif line is not None and line.shipped and released[order_id][line_id] and quantity < line.shipped:
                what = f"{line.key}: {line.shipped} left, {released[order_id][line_id]} of its stock were released"
                found.note(UNBALANCED, record.place, what)


def _check_rows(found: Findings, inputs: Inputs, orders: dict[str, Order]) -> None:
    """An open allocation belongs to an open line; none is negative."""
    for row in inputs.table("inventory.allocation"):
        order = orders.get(row["holder_id"])
        line = order.lines.get(str(row.get("line_id"))) if order else None
        where = f"inventory.allocation {row['holder_id']}/{row.get('line_id')}"
        if row["state"] == "open" and line is not None and not line.is_open:
            found.note(LOST, where, f"open, but {line.key} is {line.state}", stopped_at="inventory")
        if min(row["quantity"], row["quantity"] - row.get("shipped", 0)) < 0:
            found.note(UNBALANCED, where, f"{row}")
