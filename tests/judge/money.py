"""Checks payments: authorized once, captured once for what left, refunds within it, and the books of each payment."""

from collections import defaultdict
from collections.abc import Mapping
from fractions import Fraction

from tests.judge.inputs import Inputs, Record, Row
from tests.judge.lines import ENDED_AS, FACTS, Line, Order, Replay
from tests.judge.verdict import DIFFERS, DOUBLED, LOST, PHANTOM, UNBALANCED, Findings

PAYMENTS = ("PaymentAuthorized", "PaymentCaptured", "PaymentRefunded", "PaymentVoided", "PaymentFailed")
#: Operations of the payment service's log, and the event with the same amount.
OPERATIONS = {"authorized": "PaymentAuthorized", "captured": "PaymentCaptured", "refunded": "PaymentRefunded"}


def check_money(inputs: Inputs) -> Findings:
    found = Findings()
    orders, payments = _follow_payments(found, inputs)
    _check_final_captures(found, inputs, orders, payments)
    _check_service_log(found, inputs)
    _check_payment_rows(found, inputs)
    _check_line_rows(found, inputs, orders)
    _check_books(found, inputs)
    return found


class Payment:
    """Amounts of one order's payment by the events so far, in minor units."""

    def __init__(self, authorized: int, record: Record) -> None:
        self.authorized, self.captured, self.refunded, self.released = authorized, 0, 0, 0
        self.first, self.failed = record, False


def due_for(order: Order) -> int:
    """Return the price of what left so far, and the fee if anything did, rounded down to minor units."""
    lines = [line for line in order.lines.values() if line.shipped]
    return int(sum(map(share_of, lines))) + (order.fee if lines else 0)


def share_of(line: Line) -> Fraction:
    """Return the exact price of what left of a line, at most of what was ordered."""
    return Fraction((line.price or 0) * min(line.shipped, line.quantity), max(1, line.quantity))


def _follow_payments(found: Findings, inputs: Inputs) -> tuple[dict[str, Order], dict[str, Payment]]:
    """Compare each payment event with the goods that left before it; orders and payments share a partition."""
    replaying = Replay(Findings())
    payments: dict[str, Payment] = {}
    prices: dict[str, set[int]] = defaultdict(set)
    for record in inputs.first_of_each("orders"):
        if record.type in FACTS:
            replaying.apply(record)
            _follow_price(found, record, replaying.orders[str(record.data["order_id"])], prices)
        elif record.type in PAYMENTS:
            order_id = str(record.data["order_id"])
            order = replaying.orders.get(order_id) or Order(order_id, "", test=False)
            _apply_payment(found, record, order, payments, prices[order_id])
    return replaying.orders, payments


def _follow_price(found: Findings, record: Record, order: Order, prices: dict[str, set[int]]) -> None:
    """Collect the prices that an order had before it was authorized: lines that end without goods may lower it."""
    lines = order.lines.values()
    if order.price is None or any(line.price is None for line in lines):
        return
    of_all = order.fee + sum(line.price or 0 for line in lines)
    of_open = order.fee + sum(line.price or 0 for line in lines if line.state not in {"cancelled", "refused"})
    if record.type in {"OrderDrafted", "OrderModified"}:
        prices[order.order_id] = {order.price}
        if order.price not in {of_all, of_open}:
            what = f"order {order.order_id}: price {order.price}, its lines and the fee cost {of_open}"
            found.note(UNBALANCED, record.place, what)
    elif record.type in ENDED_AS:
        prices[order.order_id].add(of_open)


def _apply_payment(
    found: Findings, record: Record, order: Order, payments: dict[str, Payment], prices: set[int]
) -> None:
    amount, payment = record.data.get("amount", 0), payments.get(order.order_id)
    name = f"order {order.order_id}"
    found.figures[record.type] += 1
    if record.type == "PaymentAuthorized":
        if payment is not None:
            found.note(DOUBLED, record.place, f"{name} was authorized before at {payment.first.place}")
        elif prices and amount not in prices:
            found.note(DIFFERS, record.place, f"{name}: {amount} authorized, its price is {order.price}")
        payments.setdefault(order.order_id, Payment(amount, record))
        return
    if payment is None:
        if record.type in {"PaymentCaptured", "PaymentRefunded"}:
            found.note(PHANTOM, record.place, f"{name}: {record.type} without PaymentAuthorized")
        return
    if record.type == "PaymentCaptured":
        payment.captured += amount
        if order.price is not None and payment.captured > due_for(order):
            what = f"{name}: {payment.captured} captured, the goods that left cost {due_for(order)}"
            found.note(UNBALANCED, record.place, what)
    elif record.type == "PaymentRefunded":
        payment.refunded += amount
        if payment.refunded != record.data["refunded"]:
            what = f"{name}: {payment.refunded} refunded in all, the event has {record.data['refunded']}"
            found.note(DOUBLED if payment.refunded > record.data["refunded"] else LOST, record.place, what)
    elif record.type == "PaymentVoided":
        payment.released += amount
    else:
        payment.failed = True
    if payment.captured + payment.released > payment.authorized or payment.refunded > payment.captured:
        what = f"authorized {payment.authorized}, captured {payment.captured}, released {payment.released}"
        found.note(UNBALANCED, record.place, f"{name}: {what}, refunded {payment.refunded}")


def _check_final_captures(
    found: Findings, inputs: Inputs, orders: Mapping[str, Order], payments: Mapping[str, Payment]
) -> None:
    """When an order has ended, the captures sum to the price of what left and the fee."""
    flagged = {str(record.data["order_id"]) for record in inputs.events("FraudFlagged")}
    in_progress = _payments_in_progress(inputs)
    cheaper = _billed_below_price(inputs, orders)
    for order_id, payment in payments.items():
        order = orders.get(order_id)
        if order is None or order.price is None or not order.has_ended or payment.failed:
            continue
        if order_id in flagged | cheaper | in_progress:
            continue
        if payment.captured < due_for(order):
            what = f"order {order_id}: {payment.captured} captured, the goods that left cost {due_for(order)}"
            found.note(LOST, payment.first.place, what, stopped_at="the order's payment")


def _payments_in_progress(inputs: Inputs) -> set[str]:
    """Return orders whose payment has a step in progress or an unknown outcome."""
    return {str(row["order_id"]) for row in inputs.table("order_dispatch.payment") if row.get("step") is not None}


def _billed_below_price(inputs: Inputs, orders: Mapping[str, Order]) -> set[str]:
    """Return orders for which the provider reported a price below the agreed one, of the order or of a line."""
    cheaper = set()
    for record in inputs.events("OrderUpdated"):
        order = orders.get(str(record.data.get("order_id")))
        if order is None:
            continue
        prices = [(record.data.get("price"), order.price)]
        for row in record.data.get("lines") or ():
            line = order.lines.get(str(row.get("line_id")))
            prices.append((row.get("price"), line.price if line else None))
        if any(billed is not None and billed < (agreed or 0) for billed, agreed in prices):
            cheaper.add(order.order_id)
    return cheaper


def _check_service_log(found: Findings, inputs: Inputs) -> None:
    """What the payment service captured and refunded is what the events contain."""
    if not inputs.payments:
        return
    logged: dict[tuple[str, str], int] = defaultdict(int)
    for row in inputs.payments:
        if row.get("op") in OPERATIONS:
            logged[str(row["payment_id"]), OPERATIONS[row["op"]]] += row["amount"]
    published: dict[tuple[str, str], int] = defaultdict(int)
    for record in inputs.events(*OPERATIONS.values()):
        published[str(record.data["payment_id"]), record.type] += record.data["amount"]
    for step in sorted(logged.keys() | published.keys()):
        if logged[step] != published[step]:
            kind = DOUBLED if logged[step] > published[step] else PHANTOM
            what = f"{step[1]} sums to {published[step]}, the payment service has {logged[step]}"
            found.note(kind, f"payment {step[0]}", what)


def _check_payment_rows(found: Findings, inputs: Inputs) -> None:
    """The stored amounts of a payment are the sums of its events."""
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for record in inputs.events(*OPERATIONS.values()):
        sums[str(record.data["payment_id"]), record.type] += record.data["amount"]
    for row in inputs.table("order_dispatch.payment"):
        for column, kind in OPERATIONS.items():
            if row[column] != sums[row["payment_id"], kind]:
                what = f"{column} {row[column]}, {kind} sums to {sums[row['payment_id'], kind]}"
                found.note(UNBALANCED, f"order_dispatch.payment {row['payment_id']}", what)


def _check_line_rows(found: Findings, inputs: Inputs, orders: Mapping[str, Order]) -> None:
    """What is captured for a line is at most the price of what left of it, and no line is refunded more than that."""
    of_lines: dict[str, int] = defaultdict(int)
    for row in inputs.table("order_dispatch.order_line"):
        order = orders.get(row["order_id"])
        line = order.lines.get(row["line_id"]) if order else None
        of_lines[row["order_id"]] += row["captured"]
        if order is None or line is None or line.price is None:
            continue
        # The last line of an order takes the rest that is left by rounding down, less than a unit per line and the fee.
        if row["captured"] > int(share_of(line)) + len(order.lines):
            what = f"{line.key}: {row['captured']} captured, what left of it costs {int(share_of(line))}"
            found.note(DOUBLED, f"order_dispatch.order_line {line.key}", what)
        if row["refunded"] > row["captured"]:
            what = f"{line.key}: {row['refunded']} refunded of {row['captured']}"
            found.note(UNBALANCED, f"order_dispatch.order_line {line.key}", what)
    if "order_dispatch.order_line" not in inputs.tables:
        return
    fees = {row["order_id"]: row["fee_captured"] for row in inputs.table("order_dispatch.orders")}
    for row in inputs.table("order_dispatch.payment"):
        due = of_lines[row["order_id"]] + fees.get(row["order_id"], 0)
        if row["captured"] > due:
            what = f"{row['captured']} captured, {due} is due for the lines and the fee of order {row['order_id']}"
            found.note(DOUBLED, f"order_dispatch.payment {row['payment_id']}", what)


def _check_books(found: Findings, inputs: Inputs) -> None:
    """Each transaction sums to zero; the books of a payment contain its amounts; cash is owed to providers."""
    entries: dict[int, list[Row]] = defaultdict(list)
    for row in inputs.table("order_dispatch.money_entry"):
        entries[row["number"]].append(row)
    booked: dict[tuple[str, str], int] = defaultdict(int)
    owed: dict[str, int] = defaultdict(int)
    for row in inputs.table("order_dispatch.money_transaction"):
        of_transaction = entries.pop(row["number"], [])
        if total := sum(entry["amount"] for entry in of_transaction):
            found.note(UNBALANCED, f"order_dispatch.money_transaction {row['number']}", f"its entries sum to {total}")
        place = "held:" if row["kind"] in {"authorized", "released"} else "cash:"
        moved = sum(entry["amount"] for entry in of_transaction if entry["account"].startswith(place))
        booked[row["payment_id"], row["kind"]] += abs(moved)
        for entry in of_transaction:
            if entry["account"].startswith(("cash:", "provider:")):
                owed[row["currency"]] += entry["amount"]
    for number in entries:
        found.note(UNBALANCED, f"order_dispatch.money_entry {number}", "entries without a transaction")
    for currency, total in owed.items():
        if total:
            found.note(UNBALANCED, f"order_dispatch.money_entry {currency}", f"cash and debts to providers: {total}")
    for row in inputs.table("order_dispatch.payment"):
        for column in OPERATIONS:
            if row[column] != booked[row["payment_id"], column]:
                what = f"{column} {row[column]}, the books have {booked[row['payment_id'], column]}"
                found.note(UNBALANCED, f"order_dispatch.payment {row['payment_id']}", what)
    found.figures["money_transactions"] = len(inputs.table("order_dispatch.money_transaction"))
