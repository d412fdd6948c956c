"""Checks goods: each delivery is credited once, each shelf is the sum of its movements."""

from collections import defaultdict

from tests.judge.inputs import Inputs, Record
from tests.judge.lines import FIRST_LINE, LineKey, key_of, lines_in
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
    """Each delivered line is credited once, with its quantity and product."""
    arrived: dict[LineKey, Record] = {}
    for record in inputs.events("StockArrived"):
        key = LineKey(str(record.data["order_id"]), str(record.data.get("line_id") or FIRST_LINE))
        if key in arrived:
            found.note(DOUBLED, record.place, f"{key} arrived before at {arrived[key].place}")
        arrived.setdefault(key, record)
    delivered = {
        key_of(record, line): (record, line) for record in inputs.events("OrderDelivered") for line in lines_in(record)
    }
    for key, (record, line) in delivered.items():
        if key not in arrived:
            found.note(LOST, record.place, f"{key} was delivered but never credited", stopped_at="inventory")
            continue
        credited = arrived[key].data
        if credited["quantity"] != line["quantity"]:
            what = f"{key}: {line['quantity']} delivered, {credited['quantity']} credited"
            found.note(UNBALANCED, arrived[key].place, what)
        if credited["product_id"] != line.get("product_id", credited["product_id"]):
            what = f"{key}: {line['product_id']} delivered, {credited['product_id']} credited"
            found.note(DIFFERS, arrived[key].place, what)
    for key in arrived.keys() - delivered.keys():
        found.note(PHANTOM, arrived[key].place, f"{key} was credited but never delivered")


def _check_direct_fills(found: Findings, inputs: Inputs) -> None:
    """Each delivered line for a slot with direct loading fills it once; an order has one line per product."""
    slots = slots_of(inputs)
    filled: dict[tuple[str, str], Record] = {}
    for record in inputs.events("SlotFilled"):
        if record.data["cause"] == "arrival":
            goods = (str(record.data["order_id"]), str(record.data["product_id"]))
            if goods in filled:
                what = f"order {goods[0]} filled a slot with {goods[1]} before at {filled[goods].place}"
                found.note(DOUBLED, record.place, what)
            filled.setdefault(goods, record)
    ended = {record.data["device_id"] for record in inputs.events("DeviceDeregistered")}
    ended |= {record.data["replaces"] for record in inputs.events("DeviceReplaced")}
    for record in inputs.events("OrderDelivered"):
        for line in lines_in(record):
            slot = slots.get((line["device_id"], line["slot"]))
            direct = slot is not None and slot.loading == "direct" and slot.device_id not in ended
            if slot is not None and direct and (str(record.data["order_id"]), slot.product_id) not in filled:
                what = f"{key_of(record, line)} was delivered but filled no slot"
                found.note(LOST, record.place, what, stopped_at="consumption")


def _check_shelves(found: Findings, inputs: Inputs) -> dict[Shelf, int]:
    """Compare each reported shelf with the previous one plus the movement."""
    shelves: dict[Shelf, int] = defaultdict(int)
    fills = {record.id: record for record in inputs.events("SlotFilled")}
    loaded: dict[str, Record] = {}
    deliveries = {record.id: record for record in inputs.events("OrderDelivered")}
    settled: dict[tuple[str, str], Record] = {}
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


def _check_settling(
    found: Findings, record: Record, deliveries: dict[str, Record], settled: dict[tuple[str, str], Record]
) -> None:
    """Each arrival settles once the goods loaded before it was published, at most its own quantity."""
    delivery = deliveries.get(record.cause)
    if delivery is None:
        found.note(
            PHANTOM, record.place, f"loadings were settled, but the cause {record.cause or '(none)'} is no delivery"
        )
        return
    product_id = str(record.data["product_id"])
    arrival = (record.cause, product_id)
    if arrival in settled:
        found.note(DOUBLED, record.place, f"the arrival was settled before at {settled[arrival].place}")
    settled.setdefault(arrival, record)
    quantity = sum(line["quantity"] for line in lines_in(delivery) if line.get("product_id", product_id) == product_id)
    if -record.data["difference"] > quantity:
        what = f"{-record.data['difference']} were settled by an arrival of {quantity}"
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
