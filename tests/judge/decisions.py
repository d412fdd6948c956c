"""Checks epochs: one crossing per trigger, one decision per crossing, one open order per pool."""

from collections import defaultdict

from tests.judge.evidence import Evidence, Record
from tests.judge.verdict import DOUBLED, FORBIDDEN, LOST, PHANTOM, Findings

Epoch = tuple[str, int]
DECISIONS = ("ReorderApproved", "ReorderHeld", "ReorderDeclined")
#: Events that end an order for its pool: the goods are on the shelf, or will never come.
ENDINGS = ("StockArrived", "OrderRefused", "OrderCancelled", "OrderFailed")


def judge_decisions(evidence: Evidence) -> Findings:
    found = Findings()
    crossed = _judge_crossings(found, evidence)
    _judge_answers(found, evidence, crossed)
    _judge_approvals(found, evidence)
    _judge_open_orders(found, evidence)
    return found


def epoch_of(record: Record) -> Epoch:
    return str(record.data["pool_id"]), int(record.data["epoch"])


def _judge_crossings(found: Findings, evidence: Evidence) -> dict[Epoch, Record]:
    """A crossing answers a trigger that was set, once per slot."""
    armed = {
        (epoch_of(record), record.data["device_id"], record.data["slot"]) for record in evidence.said("TriggerSet")
    }
    crossed: dict[Epoch, Record] = {}
    answered: dict[tuple[Epoch, str, str], Record] = {}
    for record in evidence.said("ThresholdCrossed"):
        found.figures["crossings"] += 1
        answer = (epoch_of(record), record.data["device_id"], record.data["slot"])
        if answer not in armed:
            found.note(PHANTOM, record.place, f"a crossing of {answer[0]}, which was never armed for this slot")
        if answer in answered:
            found.note(DOUBLED, record.place, f"{answer[0]} crossed before at {answered[answer].place}")
        answered.setdefault(answer, record)
        crossed.setdefault(epoch_of(record), record)
    return crossed


def _judge_answers(found: Findings, evidence: Evidence, crossed: dict[Epoch, Record]) -> None:
    """Each crossing of a pool's latest epoch leads to a decision or a newer epoch."""
    latest: dict[str, int] = defaultdict(int)
    for record in evidence.said("TriggerSet", *DECISIONS):
        pool, epoch = epoch_of(record)
        latest[pool] = max(latest[pool], epoch)
    decided = {epoch_of(record) for record in evidence.said(*DECISIONS)}
    gone = _ended_pools(evidence)
    for (pool, epoch), record in crossed.items():
        if (pool, epoch) not in decided and latest[pool] <= epoch and pool not in gone:
            stopped = f"slots: {record.place}; reorders has no decision and no newer epoch"
            found.note(LOST, record.place, f"the crossing of {pool} epoch {epoch} led to nothing", stopped_at=stopped)


def _ended_pools(evidence: Evidence) -> set[str]:
    """Return pools whose latest subscription state is not `active`, or whose customer or device left."""
    status = {record.data["pool_id"]: record.data["status"] for record in evidence.said("SubscriptionChanged")}
    gone = {record.data["customer_id"] for record in evidence.said("CustomerErased", "DeviceDeregistered")}
    return {pool for pool, word in status.items() if word != "active" or pool.split("/")[0] in gone}


def _judge_approvals(found: Findings, evidence: Evidence) -> None:
    by_epoch: dict[Epoch, Record] = {}
    by_order: dict[str, Record] = {}
    for record in evidence.said("ReorderApproved"):
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


def _judge_open_orders(found: Findings, evidence: Evidence) -> None:
    """At every moment of the broker's clock a pool has at most one open order."""
    open_orders: dict[str, str] = {}
    pool_of: dict[str, str] = {}
    # An ending and the approval that follows from it may carry the same millisecond: endings first.
    events = sorted(
        evidence.said("ReorderApproved", *ENDINGS), key=lambda record: (record.appended_ms, record.type not in ENDINGS)
    )
    for record in events:
        order = str(record.data.get("order_id"))
        if record.type in ENDINGS:
            pool = pool_of.get(order, "")
            if open_orders.get(pool) == order:
                del open_orders[pool]
            continue
        pool = pool_of[order] = str(record.data["pool_id"])
        if pool in open_orders and open_orders[pool] != order:
            found.note(DOUBLED, record.place, f"{pool} has the open order {open_orders[pool]} and gets {order}")
        open_orders[pool] = order
