"""Checks orders: drafted once, requested once from one provider, valid transitions to one end."""

from collections.abc import Iterable, Mapping

from tests.judge.inputs import Inputs, Record, Row
from tests.judge.lines import Line, Order, key_of, lines_in, replay_orders
from tests.judge.verdict import DIFFERS, DOUBLED, FORBIDDEN, LOST, PHANTOM, UNFINISHED, Findings

LINES_ENDED = frozenset({"OrderLinesCancelled", "OrderLinesRefused"})
#: Valid transitions, independent of the service's table; None is the start. Lines that end do not end their order.
FOLLOWS: dict[str | None, frozenset[str]] = {
    None: frozenset({"OrderDrafted"}),
    "OrderDrafted": LINES_ENDED | {"OrderPlaced", "OrderRefused", "OrderUnknown", "OrderCancelled", "OrderFailed"},
    "OrderUnknown": LINES_ENDED | {"OrderPlaced", "OrderRefused", "OrderCancelled", "OrderFailed"},
    "OrderPlaced": frozenset({"OrderShipped", "OrderCancelled", "OrderLinesCancelled"}),
    "OrderShipped": frozenset({"OrderShipped", "OrderDelivered", "OrderLinesCancelled"}),
    "OrderDelivered": frozenset({"OrderShipped", "OrderDelivered", "OrderLinesCancelled"}),
    "OrderRefused": frozenset(),
    "OrderCancelled": frozenset(),
    "OrderFailed": frozenset(),
}
#: Events of which an order may have several, one per parcel or line; check_lines checks that a line has one.
REPEATED = LINES_ENDED | {"OrderShipped", "OrderDelivered"}


def check_orders(inputs: Inputs) -> Findings:
    found = Findings()
    orders = replay_orders(inputs, Findings())
    for order in orders.values():
        _check_life(found, order)
    _check_drafts(found, inputs, orders)
    _check_requests(found, inputs, orders)
    found.figures["orders_placed"] = sum("OrderPlaced" in order.types for order in orders.values())
    found.figures["orders_delivered"] = sum("OrderDelivered" in order.types for order in orders.values())
    found.figures["orders_open"] = sum(not order.has_ended for order in orders.values())
    return found


def _check_life(found: Findings, order: Order) -> None:
    before: str | None = None
    seen: set[str] = set()
    for fact in order.events:
        if fact.type not in FOLLOWS and fact.type not in LINES_ENDED:
            continue
        if fact.type in seen - REPEATED - {"OrderUnknown"}:
            found.note(DOUBLED, fact.place, f"order {order.order_id} had {fact.type} before")
        elif fact.type not in FOLLOWS[before]:
            found.note(FORBIDDEN, fact.place, f"order {order.order_id}: {fact.type} after {before or '(start)'}")
        seen.add(fact.type)
        before = before if fact.type in LINES_ENDED else fact.type


def _check_drafts(found: Findings, inputs: Inputs, orders: Mapping[str, Order]) -> None:
    """Each approved line is drafted once; an order may be split, so a line is identified by its pool's epoch."""
    approved: dict[tuple[str, int], tuple[Record, Row]] = {}
    epoch_of: dict[tuple[str, str], int] = {}
    for record in inputs.events("ReorderApproved"):
        for row in lines_in(record):
            approved.setdefault((str(row["pool_id"]), int(row["epoch"])), (record, row))
            epoch_of[str(record.data["order_id"]), str(row["pool_id"])] = int(row["epoch"])
    drafted: set[tuple[str, int]] = set()
    for line in (line for order in orders.values() for line in order.lines.values()):
        epoch = line.epoch or epoch_of.get((line.key.order_id, line.pool_id))
        decision = None if epoch is None else approved.get((line.pool_id, epoch))
        if epoch is None or decision is None:
            found.note(PHANTOM, line.place, f"{line.key} was never approved")
            continue
        drafted.add((line.pool_id, epoch))
        _check_draft(found, orders[line.key.order_id], line, *decision)
    for epoch_key in approved.keys() - drafted:
        record, row = approved[epoch_key]
        what = f"{key_of(record, row)} was approved but never drafted"
        found.note(LOST, record.place, what, stopped_at="order_dispatch")


def _check_draft(found: Findings, order: Order, line: Line, decision: Record, approved: Row) -> None:
    """A draft has the approved quantity, product and provider; the customer may modify the quantity afterwards."""
    draft = next((record for record in order.events if record.type == "OrderDrafted"), None)
    if draft is None:
        return
    drafted = next((row for row in lines_in(draft) if str(row["line_id"]) == line.key.line_id), {})
    for what in ("quantity", "product_id"):
        if drafted.get(what) != approved.get(what):
            text = f"{line.key}: {what} {drafted.get(what)} drafted, {approved.get(what)} approved"
            found.note(DIFFERS, draft.place, text)
    if draft.data.get("provider_id") != decision.data.get("provider_id"):
        found.note(DIFFERS, draft.place, f"{line.key} was approved for {decision.data.get('provider_id')}")


def _check_requests(found: Findings, inputs: Inputs, orders: Mapping[str, Order]) -> None:
    """Each drafted order is requested once, from one provider, with the lines that are not cancelled."""
    requested: dict[str, Record] = {}
    for record in inputs.events("OrderRequested"):
        found.figures["orders_requested"] += 1
        order_id = str(record.data["order_id"])
        if order_id in requested:
            found.note(DOUBLED, record.place, f"order {order_id} was requested before at {requested[order_id].place}")
        requested.setdefault(order_id, record)
        if order_id not in orders:
            found.note(PHANTOM, record.place, f"order {order_id} was requested but never drafted")
        else:
            _check_requested_lines(found, record, orders[order_id])
    for order_id, order in orders.items():
        if order_id not in requested and not order.has_ended and order.events:
            place = order.events[-1].place
            found.note(UNFINISHED, place, f"order {order_id} was drafted but never requested")


def _check_requested_lines(found: Findings, record: Record, order: Order) -> None:
    named: set[str] = set()
    for row in lines_in(record):
        key = key_of(record, row)
        line = order.lines.get(key.line_id)
        if key.line_id in named or line is None:
            kind, what = (DOUBLED, "twice in one order") if line is not None else (PHANTOM, "but never drafted")
            found.note(kind, record.place, f"{key} was requested {what}")
        elif row.get("quantity") != line.quantity:
            found.note(DIFFERS, record.place, f"{key}: {row.get('quantity')} requested, not the drafted quantity")
        named.add(key.line_id)
    for line in order.lines.values():
        if line.key.line_id not in named and line.state not in {"cancelled", "refused"}:
            found.note(LOST, record.place, f"{line.key} is missing in the request", stopped_at="order_dispatch")


def placed_or_ended(orders: Iterable[Order]) -> set[str]:
    """Return the orders whose acceptance by a provider is known."""
    known = {"OrderPlaced", "OrderUnknown", "OrderCancelled", "OrderLinesCancelled"}
    return {order.order_id for order in orders if order.types & known}
