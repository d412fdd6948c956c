"""Checks epochs: one crossing per trigger, one decision per crossing, one open order per pool."""

from collections import defaultdict

from tests.judge.inputs import Inputs, Record
from tests.judge.verdict import DOUBLED, FORBIDDEN, LOST, PHANTOM, Findings

Epoch = tuple[str, int]
DECISIONS = ("ReorderApproved", "ReorderHeld", "ReorderDeclined")
#: Events that end a pool's open order.
ORDER_ENDS = ("StockArrived", "OrderRefused", "OrderCancelled", "OrderFailed")


def check_decisions(inputs: Inputs) -> Findings:
    found = Findings()
    crossed = _check_crossings(found, inputs)
    _check_decided(found, inputs, crossed)
    _check_approvals(found, inputs)
    _check_open_orders(found, inputs)
    return found


def epoch_of(record: Record) -> Epoch:
    return str(record.data["pool_id"]), int(record.data["epoch"])


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
    for record in inputs.events("TriggerSet", *DECISIONS):
        pool, epoch = epoch_of(record)
        latest[pool] = max(latest[pool], epoch)
    decided = {epoch_of(record) for record in inputs.events(*DECISIONS)}
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
        epoch, order = epoch_of(record), str(record.data["order_id"])
        for known, what in (
            (by_epoch.get(epoch), f"epoch {epoch[1]} of {epoch[0]}"),
            (by_order.get(order), f"order {order}"),
        ):
            if known is not None:
                found.note(DOUBLED, record.place, f"{what} was approved before at {known.place}")
        by_epoch.setdefault(epoch, record)
        by_order.setdefault(order, record)
        quantity = record.data["packs"] * record.data["pack_size"]
        if record.data["quantity"] != quantity:
            found.note(
                FORBIDDEN, record.place, f"quantity {record.data['quantity']} is not packs x pack size {quantity}"
            )


def _check_open_orders(found: Findings, inputs: Inputs) -> None:
    """In the order of append times, a pool has at most one open order."""
    open_orders: dict[str, str] = {}
    pool_of: dict[str, str] = {}
    # The end of an order and the next approval may have the same millisecond: sort ends first.
    events = sorted(
        inputs.events("ReorderApproved", *ORDER_ENDS),
        key=lambda record: (record.appended_ms, record.type not in ORDER_ENDS),
    )
    for record in events:
        order = str(record.data.get("order_id"))
        if record.type in ORDER_ENDS:
            pool = pool_of.get(order, "")
            if open_orders.get(pool) == order:
                del open_orders[pool]
            continue
        pool = pool_of[order] = str(record.data["pool_id"])
        if pool in open_orders and open_orders[pool] != order:
            found.note(DOUBLED, record.place, f"{pool} has the open order {open_orders[pool]} and got {order}")
        open_orders[pool] = order
