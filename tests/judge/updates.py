"""Checks providers' updates: each has its effect on the lines it names, once; each parcel counts once."""

from collections import defaultdict

from tests.judge.inputs import Inputs, Record, Row
from tests.judge.lines import Line, Order, replay_orders
from tests.judge.verdict import DIFFERS, LOST, PHANTOM, Findings

#: Provider status -> the event that must follow unless the line had already ended.
LEADS_TO = {
    "accepted": "OrderPlaced",
    "refused": "OrderRefused",
    "shipped": "OrderShipped",
    "delivered": "OrderDelivered",
    "cancelled": "OrderCancelled",
}
WITH_GOODS = frozenset({"shipped", "delivered"})
#: A reported quantity this many times the ordered one is taken for an error of the provider.
IMPLAUSIBLE = 1000


class Reported:
    """What the updates of one order report about its lines."""

    def __init__(self) -> None:
        #: Quantities by line and parcel; the parcel is None if the update named none.
        self.quantities: dict[tuple[str, str | None], set[int | None]] = defaultdict(set)
        self.delivered_quantities: dict[str, set[int]] = defaultdict(set)
        #: Parcels reported as delivered, by line.
        self.arrived: dict[str, set[str | None]] = defaultdict(set)

    def add(self, line_id: str, status: str, parcel: str | None, quantity: int | None) -> None:
        if status not in WITH_GOODS:
            return
        self.quantities[line_id, parcel].add(quantity)
        if status == "delivered":
            self.arrived[line_id].add(parcel)
            if quantity is not None:
                self.delivered_quantities[line_id].add(quantity)


def check_updates(inputs: Inputs) -> Findings:
    found = Findings()
    orders = replay_orders(inputs, Findings())
    updates: dict[str, list[Record]] = defaultdict(list)
    for record in inputs.events("OrderUpdated"):
        found.figures["provider_updates"] += 1
        order_id = str(record.data.get("order_id"))
        if order_id not in orders:
            found.figures["updates_of_unknown_orders"] += 1
        elif _is_readable(record.data, orders[order_id]):
            updates[order_id].append(record)
    for order_id, records in updates.items():
        _check_order(found, orders[order_id], records)
    return found


def _is_readable(data: Row, order: Order) -> bool:
    """Whether the update is from the order's provider and can be attributed to lines."""
    if data.get("provider_id", order.provider_id) != order.provider_id:
        return False
    named = [str(row.get("line_id")) for row in data.get("lines") or ()]
    if not named:
        return len(order.lines) == 1 or (data.get("quantity") is None and data.get("product_id") is None)
    return len(set(named)) == len(named) and set(named) <= order.lines.keys()


def _rows(data: Row, order: Order) -> list[tuple[Line, Row]]:
    """Return what an update reports about each line, with the update's own fields as defaults."""
    common = {"status": data.get("status")}
    if len(order.lines) == 1:
        common |= {"quantity": data.get("quantity"), "product_id": data.get("product_id")}
    if not data.get("lines"):
        return [(line, common) for line in order.lines.values()]
    return [
        (order.lines[str(row["line_id"])], common | {name: row[name] for name in row if row[name] is not None})
        for row in data["lines"]
    ]


def _check_order(found: Findings, order: Order, records: list[Record]) -> None:
    reported = Reported()
    for record in records:
        for line, row in _rows(record.data, order):
            reported.add(line.key.line_id, str(row["status"]), record.data.get("shipment_id"), row.get("quantity"))
    for record in records:
        for line, row in _rows(record.data, order):
            if not _may_be_ignored(line, row):
                _check_effect(found, order, line, record, str(row["status"]), reported)
    if not order.test:
        for line in order.lines.values():
            _check_quantities(found, line, reported)


def _may_be_ignored(line: Line, row: Row) -> bool:
    """Whether the report has an implausible quantity, or a substitute, which the provider may not be allowed to send."""
    substitute = row.get("product_id") not in (None, line.product_id)
    return substitute or (row.get("quantity") or 0) >= IMPLAUSIBLE * max(1, line.quantity)


def _check_effect(found: Findings, order: Order, line: Line, record: Record, status: str, reported: Reported) -> None:
    parcel = record.data.get("shipment_id")
    if not line.is_open or status not in LEADS_TO:
        return
    if status == "accepted":
        missing = "OrderPlaced" not in order.types
    elif status == "shipped":
        missing = line.state == "ordered" or _is_parcel_missing(line, parcel)
    elif status == "delivered":
        missing = _is_parcel_missing(line, parcel) or _has_all_arrived(line, parcel, reported)
    else:
        missing = line.state == "ordered"
    if missing:
        what = f"{line.key}: the provider reported {status}, but no {LEADS_TO[status]} followed"
        found.note(LOST, record.place, what, stopped_at="order_dispatch")


def _is_parcel_missing(line: Line, parcel: str | None) -> bool:
    """Whether a parcel of the line is not counted although a part of the line is to leave."""
    return parcel is not None and parcel not in line.parcels and line.shipped < line.quantity


def _has_all_arrived(line: Line, parcel: str | None, reported: Reported) -> bool:
    if parcel is None:
        return True
    return line.shipped >= line.quantity and line.parcels.keys() <= reported.arrived[line.key.line_id]


def _check_quantities(found: Findings, line: Line, reported: Reported) -> None:
    """What left and arrived is what the provider reported."""
    line_id = line.key.line_id
    for parcel, quantity in line.parcels.items():
        told = reported.quantities.get((line_id, parcel))
        if told is None:
            found.note(PHANTOM, line.place, f"{line.key}: shipment {parcel} was never reported")
        elif None not in told and quantity not in told:
            what = f"{line.key}: {quantity} left in shipment {parcel}, {_either(told)} reported"
            found.note(DIFFERS, line.place, what)
    if not line.parcels and line.shipped:
        told = reported.quantities.get((line_id, None), set())
        if told and not told & {None, line.shipped} and line.shipped != line.quantity:
            found.note(DIFFERS, line.place, f"{line.key}: {line.shipped} left, {_either(told)} reported")
    if line.delivered is not None and line.delivered != line.shipped:
        told_delivered = reported.delivered_quantities[line_id]
        # Without a report, the customer counted what arrived.
        if line.delivered > line.shipped or (reported.arrived[line_id] and line.delivered not in told_delivered):
            found.note(DIFFERS, line.place, f"{line.key}: {line.delivered} delivered, {line.shipped} left")


def _either(quantities: set[int | None]) -> str:
    return " or ".join(str(one) for one in sorted(one for one in quantities if one is not None))
