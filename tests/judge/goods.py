"""Checks goods: each delivery is credited once, each shelf is the sum of its movements."""

from collections import defaultdict

from tests.judge.inputs import Inputs, Record
from tests.judge.reports import slots_of
from tests.judge.verdict import DIFFERS, DOUBLED, LOST, PHANTOM, UNBALANCED, Findings

Shelf = tuple[str, str]


def check_goods(inputs: Inputs) -> Findings:
    found = Findings()
    _check_arrivals(found, inputs)
    _check_direct_fills(found, inputs)
    shelves = _check_shelves(found, inputs)
    _check_balances(found, inputs, shelves)
    _check_ledger(found, inputs)
    return found


def _check_arrivals(found: Findings, inputs: Inputs) -> None:
    arrived: dict[str, Record] = {}
    for record in inputs.events("StockArrived"):
        order = str(record.data["order_id"])
        if order in arrived:
            found.note(DOUBLED, record.place, f"order {order} arrived before at {arrived[order].place}")
        arrived.setdefault(order, record)
    delivered = {str(record.data["order_id"]): record for record in inputs.events("OrderDelivered")}
    for order, record in delivered.items():
        if order not in arrived:
            found.note(LOST, record.place, f"order {order} was delivered but never credited", stopped_at="inventory")
        elif arrived[order].data["quantity"] != record.data["quantity"]:
            what = f"order {order}: {record.data['quantity']} delivered, {arrived[order].data['quantity']} credited"
            found.note(UNBALANCED, arrived[order].place, what)
    for order in arrived.keys() - delivered.keys():
        found.note(PHANTOM, arrived[order].place, f"order {order} was credited but never delivered")


def _check_direct_fills(found: Findings, inputs: Inputs) -> None:
    """Each delivery for a slot with direct loading fills it once."""
    slots = slots_of(inputs)
    filled: dict[str, Record] = {}
    for record in inputs.events("SlotFilled"):
        if record.data["cause"] == "arrival":
            order = str(record.data["order_id"])
            if order in filled:
                found.note(DOUBLED, record.place, f"order {order} filled a slot before at {filled[order].place}")
            filled.setdefault(order, record)
    ended = {record.data["device_id"] for record in inputs.events("DeviceDeregistered")}
    ended |= {record.data["replaces"] for record in inputs.events("DeviceReplaced")}
    for record in inputs.events("OrderDelivered"):
        slot = slots.get((record.data["device_id"], record.data["slot"]))
        direct = slot is not None and slot.loading == "direct" and slot.device_id not in ended
        if direct and str(record.data["order_id"]) not in filled:
            what = f"order {record.data['order_id']} was delivered but filled no slot"
            found.note(LOST, record.place, what, stopped_at="consumption")


def _check_shelves(found: Findings, inputs: Inputs) -> dict[Shelf, int]:
    """Compare each reported shelf with the previous one plus the movement."""
    shelves: dict[Shelf, int] = defaultdict(int)
    fills = {record.id: record for record in inputs.events("SlotFilled")}
    loaded: dict[str, Record] = {}
    deliveries = {record.id: record for record in inputs.events("OrderDelivered")}
    settled: dict[str, Record] = {}
    for record in inputs.first_of_each("stock"):
        data = record.data
        shelf = (data.get("owner_id", ""), data.get("product_id", ""))
        if record.type == "StockArrived":
            shelves[shelf] += data["quantity"]
        elif record.type == "StockCounted":
            if data["cause"] == "loaded":
                _check_loading(found, record, fills, loaded, shelves[shelf])
            elif data["cause"] == "settled":
                _check_settling(found, record, deliveries, settled)
            shelves[shelf] += data["difference"]
        else:
            continue
        if shelves[shelf] != data["shelf"]:
            found.note(
                UNBALANCED,
                record.place,
                f"{shelf}: the shelf is {data['shelf']}, its movements sum to {shelves[shelf]}",
            )
            shelves[shelf] = data["shelf"]
    return shelves


def _check_loading(
    found: Findings, record: Record, fills: dict[str, Record], loaded: dict[str, Record], shelf: int
) -> None:
    """Each rise of a slot takes its quantity, at most the shelf, once."""
    fill = fills.get(record.cause)
    if fill is None:
        found.note(PHANTOM, record.place, f"goods were loaded, but the cause {record.cause or '(none)'} filled no slot")
        return
    if fill.id in loaded:
        found.note(DOUBLED, record.place, f"the rise at {fill.place} was booked before at {loaded[fill.id].place}")
    loaded.setdefault(fill.id, record)
    took, rise = -record.data["difference"], fill.data["quantity"]
    # A replaced cartridge takes a whole one from the shelf although the level rose by less.
    if took != min(rise, shelf) and not min(rise, shelf) <= took <= shelf:
        found.note(DIFFERS, record.place, f"took {took} of {shelf} on the shelf for a rise of {rise}")


def _check_settling(found: Findings, record: Record, deliveries: dict[str, Record], settled: dict[str, Record]) -> None:
    """Each arrival settles once the goods loaded before it was published, at most its own quantity."""
    delivery = deliveries.get(record.cause)
    if delivery is None:
        found.note(
            PHANTOM, record.place, f"loadings were settled, but the cause {record.cause or '(none)'} is no delivery"
        )
        return
    if record.cause in settled:
        found.note(DOUBLED, record.place, f"the arrival was settled before at {settled[record.cause].place}")
    settled.setdefault(record.cause, record)
    if -record.data["difference"] > delivery.data["quantity"]:
        what = f"{-record.data['difference']} were settled by an arrival of {delivery.data['quantity']}"
        found.note(UNBALANCED, record.place, what)


def _check_balances(found: Findings, inputs: Inputs, shelves: dict[Shelf, int]) -> None:
    if "inventory.account" not in inputs.tables:
        return
    stored = {
        (row["owner_id"], row["product_id"]): row["balance"]
        for row in inputs.table("inventory.account")
        if row["place"] == "shelf"
    }
    for shelf in shelves.keys() | stored.keys():
        if shelves.get(shelf, 0) != stored.get(shelf, 0):
            what = f"the topics sum to {shelves.get(shelf, 0)}, the table has {stored.get(shelf, 0)}"
            found.note(UNBALANCED, f"inventory.account {shelf}", what)


def _check_ledger(found: Findings, inputs: Inputs) -> None:
    """Each transaction sums to zero, each balance is the sum of its entries, stock is available plus allocated."""
    transactions: dict[int, int] = defaultdict(int)
    accounts: dict[tuple[str, str, str], int] = defaultdict(int)
    for row in inputs.table("inventory.ledger_entry"):
        transactions[row["number"]] += row["quantity"]
        accounts[row["owner_id"], row["product_id"], row["place"]] += row["quantity"]
    for number, total in transactions.items():
        if total:
            found.note(UNBALANCED, f"inventory.ledger_entry {number}", f"its entries sum to {total}")
    stored = {(r["owner_id"], r["product_id"], r["place"]): r["balance"] for r in inputs.table("inventory.account")}
    for account in accounts.keys() | stored.keys():
        if accounts.get(account, 0) != stored.get(account, 0):
            what = f"balance {stored.get(account, 0)}, entries sum to {accounts.get(account, 0)}"
            found.note(UNBALANCED, f"inventory.account {account}", what)
    for row in inputs.table("inventory.stock"):
        if row["total"] != row["available"] + row["allocated"] or min(row["available"], row["allocated"]) < 0:
            found.note(UNBALANCED, f"inventory.stock {row['owner_id']}/{row['product_id']}", f"{row}")
    found.figures["ledger_transactions"] = len(transactions)
    found.figures["ledger_entries_sum"] = sum(accounts.values())
