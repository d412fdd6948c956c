"""Checks epochs: one crossing per trigger, one decision per crossing, one open order per pool."""

from collections import defaultdict

from tests.judge.inputs import Inputs, Record
from tests.judge.lines import ENDED_AS, FIRST_LINE, LineKey, key_of, lines_in
from tests.judge.verdict import DOUBLED, FORBIDDEN, LOST, PHANTOM, Findings

Epoch = tuple[str, int]
DECISIONS = ("ReorderApproved", "ReorderHeld", "ReorderDeclined")
#: Events that end a pool's open line.
LINE_ENDS = frozenset({"StockArrived", *ENDED_AS})


def check_decisions(inputs: Inputs) -> Findings:
    found = Findings()
    crossed = _check_crossings(found, inputs)
    _check_decided(found, inputs, crossed)
    _check_approvals(found, inputs)
    _check_open_orders(found, inputs)
    return found


def epoch_of(record: Record) -> Epoch:
    return str(record.data["pool_id"]), int(record.data["epoch"])


def epochs_in(record: Record) -> list[Epoch]:
    """Return the epochs that a decision answers; an approval answers one per line."""
    return [(str(line["pool_id"]), int(line["epoch"])) for line in lines_in(record)]


def _check_crossings(found: Findings, inputs: Inputs) -> dict[Epoch, Record]:
    """Each crossing belongs to a trigger that was set, and each slot crosses a trigger once."""
    armed = {
        (epoch_of(record), record.data["device_id"], record.data["slot"]) for record in inputs.events("TriggerSet")
    }
    crossed: dict[Epoch, Record] = {}
    first_crossings: dict[tuple[Epoch, str, str], Record] = {}
    for record in inputs.events("ThresholdCrossed"):
        found.figures["crossings"] += 1
        crossing = (epoch_of(record), record.data["device_id"], record.data["slot"])
        if crossing not in armed:
            found.note(PHANTOM, record.place, f"crossing of {crossing[0]} without a trigger for this slot")
        if crossing in first_crossings:
            found.note(DOUBLED, record.place, f"{crossing[0]} crossed before at {first_crossings[crossing].place}")
        first_crossings.setdefault(crossing, record)
        crossed.setdefault(epoch_of(record), record)
    return crossed


def _check_decided(found: Findings, inputs: Inputs, crossed: dict[Epoch, Record]) -> None:
    """Each crossing of a pool's latest epoch leads to a decision or a newer epoch."""
    latest: dict[str, int] = defaultdict(int)
    decided = {epoch for record in inputs.events(*DECISIONS) for epoch in epochs_in(record)}
    for pool, epoch in {epoch_of(record) for record in inputs.events("TriggerSet")} | decided:
        latest[pool] = max(latest[pool], epoch)
    ended = _ended_pools(inputs)
    for (pool, epoch), record in crossed.items():
        if (pool, epoch) not in decided and latest[pool] <= epoch and pool not in ended:
            stopped = f"slots {record.place}: reorders has no decision and no newer epoch"
            found.note(
                LOST, record.place, f"no decision followed the crossing of {pool} epoch {epoch}", stopped_at=stopped
            )


def _ended_pools(inputs: Inputs) -> set[str]:
    """Return pools whose latest subscription state is not `active`, or whose customer or device left."""
    status_of = {record.data["pool_id"]: record.data["status"] for record in inputs.events("SubscriptionChanged")}
    ended = {record.data["customer_id"] for record in inputs.events("CustomerErased", "DeviceDeregistered")}
    return {pool for pool, status in status_of.items() if status != "active" or pool.split("/")[0] in ended}


def _check_approvals(found: Findings, inputs: Inputs) -> None:
    by_epoch: dict[Epoch, Record] = {}
    by_order: dict[str, Record] = {}
    for record in inputs.events("ReorderApproved"):
        found.figures["orders_approved"] += 1
        order, lines = str(record.data["order_id"]), lines_in(record)
        if order in by_order:
            what = f"order {order} was approved before at {by_order[order].place}"
            found.note(DOUBLED, record.place, what)
        by_order.setdefault(order, record)
        for epoch in epochs_in(record):
            if epoch in by_epoch:
                what = f"epoch {epoch[1]} of {epoch[0]} was approved before at {by_epoch[epoch].place}"
                found.note(DOUBLED, record.place, what)
            by_epoch.setdefault(epoch, record)
        if len({line["line_id"] for line in lines}) < len(lines):
            found.note(DOUBLED, record.place, f"order {order} has two lines with one id")
        for line in lines:
            quantity = line["packs"] * line["pack_size"]
            if line["quantity"] != quantity:
                what = f"quantity {line['quantity']} is not packs x pack size {quantity}"
                found.note(FORBIDDEN, record.place, what)


def _check_open_orders(found: Findings, inputs: Inputs) -> None:
    """In the order of append times, a pool has at most one open line; the others of its order may have ended."""
    epoch_of = _epochs_of_lines(inputs)
    open_orders: dict[str, tuple[int, str]] = {}
    ended: set[Epoch] = set()
    # The end of an order and the next approval may have the same millisecond: sort ends first.
    events = sorted(
        inputs.events("ReorderApproved", *LINE_ENDS),
        key=lambda record: (record.appended_ms, record.type not in LINE_ENDS),
    )
    for record in events:
        if record.type in LINE_ENDS:
            ended |= {epoch_of[key] for key in _keys_in(record) if key in epoch_of}
            continue
        order = str(record.data["order_id"])
        for pool, epoch in epochs_in(record):
            before, before_order = open_orders.get(pool, (0, order))
            if (pool, before) not in ended and before_order != order:
                found.note(DOUBLED, record.place, f"{pool} has the open order {before_order} and got {order}")
            open_orders[pool] = (epoch, order)


def _epochs_of_lines(inputs: Inputs) -> dict[LineKey, Epoch]:
    """Return each line's epoch. A split order has another id when it is drafted; its lines keep their epochs."""
    epoch_of: dict[LineKey, Epoch] = {}
    for record in inputs.events("ReorderApproved"):
        epoch_of |= dict(zip(_keys_in(record), epochs_in(record), strict=True))
    for record in inputs.events("OrderDrafted"):
        for line in lines_in(record):
            if line.get("epoch") is not None:
                epoch_of[key_of(record, line)] = (str(line["pool_id"]), int(line["epoch"]))
    return epoch_of


def _keys_in(record: Record) -> list[LineKey]:
    if record.type == "StockArrived":
        return [LineKey(str(record.data["order_id"]), str(record.data.get("line_id") or FIRST_LINE))]
    return [key_of(record, line) for line in lines_in(record)]
