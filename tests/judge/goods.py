"""Checks the goods: every delivery is credited once, every shelf is the sum of its movements."""

from collections import defaultdict

from tests.judge.evidence import Evidence, Record
from tests.judge.reports import slots_of
from tests.judge.verdict import DIFFERS, DOUBLED, LOST, PHANTOM, UNBALANCED, Findings

Shelf = tuple[str, str]


def judge_goods(evidence: Evidence) -> Findings:
    found = Findings()
    _judge_arrivals(found, evidence)
    _judge_direct_fills(found, evidence)
    shelves = _judge_shelves(found, evidence)
    _judge_balances(found, evidence, shelves)
    _judge_ledger(found, evidence)
    return found


def _judge_arrivals(found: Findings, evidence: Evidence) -> None:
    arrived: dict[str, Record] = {}
    for record in evidence.said("StockArrived"):
        order = str(record.data["order_id"])
        if order in arrived:
            found.note(DOUBLED, record.place, f"order {order} arrived before at {arrived[order].place}")
        arrived.setdefault(order, record)
    delivered = {str(record.data["order_id"]): record for record in evidence.said("OrderDelivered")}
    for order, record in delivered.items():
        if order not in arrived:
            found.note(LOST, record.place, f"order {order} was delivered and never credited", stopped_at="inventory")
        elif arrived[order].data["quantity"] != record.data["quantity"]:
            what = f"order {order}: {record.data['quantity']} delivered, {arrived[order].data['quantity']} credited"
            found.note(UNBALANCED, arrived[order].place, what)
    for order in arrived.keys() - delivered.keys():
        found.note(PHANTOM, arrived[order].place, f"order {order} was credited and never delivered")


def _judge_direct_fills(found: Findings, evidence: Evidence) -> None:
    """A delivery for a slot that is loaded directly fills it once; others are filled by reports only."""
    slots = slots_of(evidence)
    filled: dict[str, Record] = {}
    for record in evidence.said("SlotFilled"):
        if record.data["cause"] == "arrival":
            order = str(record.data["order_id"])
            if order in filled:
                found.note(DOUBLED, record.place, f"order {order} filled a slot before at {filled[order].place}")
            filled.setdefault(order, record)
    gone = {record.data["device_id"] for record in evidence.said("DeviceDeregistered")}
    gone |= {record.data["replaces"] for record in evidence.said("DeviceReplaced")}
    for record in evidence.said("OrderDelivered"):
        slot = slots.get((record.data["device_id"], record.data["slot"]))
        direct = slot is not None and slot.loading == "direct" and slot.device_id not in gone
        if direct and str(record.data["order_id"]) not in filled:
            what = f"order {record.data['order_id']} was delivered and filled no slot"
            found.note(LOST, record.place, what, stopped_at="consumption")


def _judge_shelves(found: Findings, evidence: Evidence) -> dict[Shelf, int]:
    """Follow each shelf from record to record: previous stock, movement, reported stock."""
    shelves: dict[Shelf, int] = defaultdict(int)
    fills = {record.id: record for record in evidence.said("SlotFilled")}
    loaded: dict[str, Record] = {}
    deliveries = {record.id: record for record in evidence.said("OrderDelivered")}
    settled: dict[str, Record] = {}
    for record in evidence.first_of_each("stock"):
        data = record.data
        shelf = (data.get("owner_id", ""), data.get("product_id", ""))
        if record.type == "StockArrived":
            shelves[shelf] += data["quantity"]
        elif record.type == "StockCounted":
            if data["cause"] == "loaded":
                _judge_loading(found, record, fills, loaded, shelves[shelf])
            elif data["cause"] == "settled":
                _judge_settling(found, record, deliveries, settled)
            shelves[shelf] += data["difference"]
        else:
            continue
        if shelves[shelf] != data["shelf"]:
            found.note(
                UNBALANCED, record.place, f"{shelf}: holds {data['shelf']}, its movements sum to {shelves[shelf]}"
            )
            shelves[shelf] = data["shelf"]
    return shelves


def _judge_loading(
    found: Findings, record: Record, fills: dict[str, Record], loaded: dict[str, Record], shelf: int
) -> None:
    """Loading takes what the slot's rise needs as far as the shelf goes, once for each rise."""
    fill = fills.get(record.cause)
    if fill is None:
        found.note(
            PHANTOM, record.place, f"goods were loaded because of {record.cause or 'nothing'}, which filled no slot"
        )
        return
    if fill.id in loaded:
        found.note(DOUBLED, record.place, f"the rise at {fill.place} was booked before at {loaded[fill.id].place}")
    loaded.setdefault(fill.id, record)
    took, rise = -record.data["difference"], fill.data["quantity"]
    # A fresh cartridge takes a whole one from the shelf although the level rose by less.
    if took != min(rise, shelf) and not min(rise, shelf) <= took <= shelf:
        found.note(DIFFERS, record.place, f"took {took} of {shelf} on the shelf for a rise of {rise}")


def _judge_settling(found: Findings, record: Record, deliveries: dict[str, Record], settled: dict[str, Record]) -> None:
    """An arrival takes off the shelf, once, what was loaded out of it before it was told; no more than it brought."""
    delivery = deliveries.get(record.cause)
    if delivery is None:
        found.note(PHANTOM, record.place, f"loadings were settled because of {record.cause or 'nothing'}, no delivery")
        return
    if record.cause in settled:
        found.note(DOUBLED, record.place, f"the arrival was settled before at {settled[record.cause].place}")
    settled.setdefault(record.cause, record)
    if -record.data["difference"] > delivery.data["quantity"]:
        what = f"{-record.data['difference']} were settled by {delivery.data['quantity']} that arrived"
        found.note(UNBALANCED, record.place, what)


def _judge_balances(found: Findings, evidence: Evidence, shelves: dict[Shelf, int]) -> None:
    if "inventory.account" not in evidence.tables:
        return
    stored = {
        (row["owner_id"], row["product_id"]): row["balance"]
        for row in evidence.table("inventory.account")
        if row["place"] == "shelf"
    }
    for shelf in shelves.keys() | stored.keys():
        if shelves.get(shelf, 0) != stored.get(shelf, 0):
            what = f"the topics make it {shelves.get(shelf, 0)}, the table holds {stored.get(shelf, 0)}"
            found.note(UNBALANCED, f"inventory.account {shelf}", what)


def _judge_ledger(found: Findings, evidence: Evidence) -> None:
    """Every transaction sums to zero, every balance is the sum of its entries, all of it sums to zero."""
    transactions: dict[int, int] = defaultdict(int)
    accounts: dict[tuple[str, str, str], int] = defaultdict(int)
    for row in evidence.table("inventory.ledger_entry"):
        transactions[row["number"]] += row["quantity"]
        accounts[row["owner_id"], row["product_id"], row["place"]] += row["quantity"]
    for number, total in transactions.items():
        if total:
            found.note(UNBALANCED, f"inventory.ledger_entry {number}", f"its entries sum to {total}")
    stored = {(r["owner_id"], r["product_id"], r["place"]): r["balance"] for r in evidence.table("inventory.account")}
    for account in accounts.keys() | stored.keys():
        if accounts.get(account, 0) != stored.get(account, 0):
            what = f"balance {stored.get(account, 0)}, entries sum to {accounts.get(account, 0)}"
            found.note(UNBALANCED, f"inventory.account {account}", what)
    for row in evidence.table("inventory.stock"):
        if row["total"] != row["available"] + row["allocated"] or min(row["available"], row["allocated"]) < 0:
            found.note(UNBALANCED, f"inventory.stock {row['owner_id']}/{row['product_id']}", f"{row}")
    found.figures["ledger_transactions"] = len(transactions)
    found.figures["ledger_entries_sum"] = sum(accounts.values())
