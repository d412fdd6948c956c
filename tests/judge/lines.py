"""The lines of orders and the life of each, replayed from the events on `orders`."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.judge.inputs import Inputs, Record, Row
from tests.judge.verdict import DIFFERS, DOUBLED, FORBIDDEN, LOST, PHANTOM, Findings

#: Id of the only line of an order that was written without lines.
FIRST_LINE = "1"
OPEN = frozenset({"ordered", "shipped"})
ARRIVED = frozenset({"delivered", "short", "substituted"})
#: Events that end lines without goods, and the state of those lines.
ENDED_AS = {
    "OrderCancelled": "cancelled",
    "OrderLinesCancelled": "cancelled",
    "OrderFailed": "cancelled",
    "OrderRefused": "refused",
    "OrderLinesRefused": "refused",
}
#: Events that end the whole order.
WHOLE_ENDS = frozenset({"OrderCancelled", "OrderFailed", "OrderRefused"})
FACTS = frozenset(
    {
        *("OrderDrafted", "OrderModified", "OrderPlaced", "OrderUnknown", "OrderShipped", "OrderDelivered"),
        *("ClaimRaised", "OrderReturned"),
        *ENDED_AS,
    }
)


class LineKey(NamedTuple):
    """Identity of a line."""

    order_id: str
    line_id: str

    def __str__(self) -> str:
        return f"line {self.line_id} of order {self.order_id}"


def lines_in(record: Record) -> list[Row]:
    """Return the lines that an event is about; an event without lines is about one, which its own fields describe."""
    return record.data.get("lines") or [record.data | {"line_id": FIRST_LINE}]


def key_of(record: Record, line: Row) -> LineKey:
    return LineKey(str(record.data["order_id"]), str(line["line_id"]))


@dataclass
class Line:
    """One line: what was ordered, and what became of it. Quantities are base steps."""

    key: LineKey
    product_id: str
    pool_id: str
    epoch: int | None
    quantity: int
    #: Agreed price of all packs, in minor units.
    price: int | None
    place: str
    state: str = "ordered"
    shipped: int = 0
    #: Quantity by the provider's id of the parcel.
    parcels: dict[str, int] = field(default_factory=dict)
    delivered: int | None = None
    #: Counted by the customer, or what the provider delivered short.
    received: int | None = None
    claimed: bool = False

    @property
    def is_open(self) -> bool:
        return self.state in OPEN


@dataclass
class Order:
    """One order: its lines by id, and its events in log order."""

    order_id: str
    provider_id: str
    test: bool
    #: An order without OrderDrafted is reported once, and its lines are not.
    is_drafted: bool = False
    price: int | None = None
    fee: int = 0
    currency: str | None = None
    lines: dict[str, Line] = field(default_factory=dict)
    events: list[Record] = field(default_factory=list)

    @property
    def types(self) -> set[str]:
        return {record.type for record in self.events}

    @property
    def has_ended(self) -> bool:
        """Whether no line is open any more."""
        return not any(line.is_open for line in self.lines.values())


def replay_orders(inputs: Inputs, found: Findings) -> dict[str, Order]:
    """Return all orders after their last event; each event that a line's state forbids is noted."""
    replaying = Replay(found)
    for record in inputs.first_of_each("orders"):
        if record.type in FACTS:
            replaying.apply(record)
    return replaying.orders


def check_lines(inputs: Inputs) -> Findings:
    """Check each line's life, one open line per pool, one line per epoch, and what ended orders leave behind."""
    found = Findings()
    for order in replay_orders(inputs, found).values():
        found.figures["order_lines"] += len(order.lines)
        found.figures["orders_of_several_lines"] += len(order.lines) > 1
        for line in order.lines.values():
            found.figures[f"lines_{line.state}"] += 1
            found.figures["lines_in_several_parcels"] += len(line.parcels) > 1
            if line.state == "short" and not line.claimed:
                found.note(LOST, line.place, f"{line.key} arrived short, but no ClaimRaised followed")
            if line.is_open and order.types & WHOLE_ENDS:
                ended = "/".join(sorted(order.types & WHOLE_ENDS))
                found.note(FORBIDDEN, line.place, f"{line.key} is {line.state} after {ended}")
    return found


Change = Callable[[Order, Line, Record, Row], None]


class Replay:
    """Applies events in log order."""

    def __init__(self, found: Findings) -> None:
        self._found = found
        self.orders: dict[str, Order] = {}
        self._open_line_of: dict[str, Line] = {}
        self._line_of_epoch: dict[tuple[str, int], Line] = {}
        self._shipments: dict[str, dict[str, Record]] = defaultdict(dict)

    def apply(self, record: Record) -> None:
        order = self._order_of(record)
        order.events.append(record)
        if record.type == "OrderDrafted":
            self._draft(order, record)
        elif record.type == "OrderModified":
            _set_terms(order, record)
        elif record.type in ENDED_AS:
            self._apply_to_lines(order, record, self._end)
            self._check_end(order, record)
        elif record.type == "OrderShipped":
            self._check_shipment(order, record)
            self._apply_to_lines(order, record, self._ship)
        elif record.type == "OrderDelivered":
            self._apply_to_lines(order, record, self._deliver)
        elif record.type == "ClaimRaised":
            self._apply_to_lines(order, record, self._claim)
        elif record.type == "OrderReturned":
            self._apply_to_lines(order, record, self._return)
        if order.is_drafted and record.data.get("lines"):
            self._check_complete(order, record)

    def _order_of(self, record: Record) -> Order:
        data = record.data
        order_id = str(data["order_id"])
        return self.orders.setdefault(
            order_id, Order(order_id, str(data.get("provider_id", "")), bool(data.get("test", False)))
        )

    def _draft(self, order: Order, record: Record) -> None:
        if order.is_drafted:
            return  # check_orders notes the second draft
        order.is_drafted = True
        order.lines = {}
        for row in lines_in(record):
            line = _new_line(record, row)
            if line.key.line_id in order.lines:
                self._found.note(DOUBLED, record.place, f"{line.key} was drafted twice")
            order.lines[line.key.line_id] = line
            self._check_pool(line, record)
        _set_terms(order, record)

    def _check_pool(self, line: Line, record: Record) -> None:
        """A pool has at most one open line, and one line per epoch."""
        other = self._open_line_of.get(line.pool_id)
        if other is not None and other.is_open:
            self._found.note(DOUBLED, record.place, f"{line.pool_id} has the open {other.key} and got {line.key}")
        self._open_line_of[line.pool_id] = line
        if line.epoch is None:
            return
        other = self._line_of_epoch.get((line.pool_id, line.epoch))
        if other is not None:
            what = f"epoch {line.epoch} of {line.pool_id} was ordered before, as {other.key}"
            self._found.note(DOUBLED, record.place, what)
        self._line_of_epoch.setdefault((line.pool_id, line.epoch), line)

    def _apply_to_lines(self, order: Order, record: Record, change: Change) -> None:
        for row in lines_in(record):
            line = order.lines.get(str(row["line_id"]))
            if line is None and order.is_drafted:
                self._found.note(PHANTOM, record.place, f"{key_of(record, row)} was never drafted")
            if line is None:
                line = order.lines[str(row["line_id"])] = _new_line(record, row)
                line.state = "shipped" if record.type == "OrderDelivered" else line.state
            change(order, line, record, row)

    def _ship(self, order: Order, line: Line, record: Record, row: Row) -> None:
        quantity, parcel = row.get("quantity") or 0, record.data.get("shipment_id")
        if not line.is_open:
            self._found.note(FORBIDDEN, record.place, f"{line.key} was shipped after it was {line.state}")
            return
        if parcel is not None and parcel in line.parcels:
            self._found.note(DOUBLED, record.place, f"{line.key}: shipment {parcel} was counted before")
        elif line.state == "shipped" and line.shipped >= line.quantity and not order.test:
            self._found.note(DOUBLED, record.place, f"all of {line.key} had left before")
        if parcel is not None:
            line.parcels.setdefault(parcel, quantity)
        line.state, line.shipped, line.place = "shipped", line.shipped + quantity, record.place

    def _check_shipment(self, order: Order, record: Record) -> None:
        parcel = record.data.get("shipment_id")
        if parcel is None:
            return
        first = self._shipments[order.order_id].setdefault(parcel, record)
        if first is not record:
            what = f"order {order.order_id}: shipment {parcel} was published before at {first.place}"
            self._found.note(DOUBLED, record.place, what)

    def _deliver(self, order: Order, line: Line, record: Record, row: Row) -> None:
        quantity = row.get("quantity") or 0
        if line.delivered is not None:
            self._found.note(DOUBLED, record.place, f"{line.key} was delivered before")
            return
        if line.state == "ordered":
            self._found.note(FORBIDDEN, record.place, f"{line.key} was delivered but never shipped")
        elif not line.is_open:
            self._found.note(FORBIDDEN, record.place, f"{line.key} was delivered after it was {line.state}")
        line.delivered = line.received = quantity
        line.place = record.place
        if quantity < line.quantity and not order.test and order.is_drafted:
            line.state = "short"
        else:
            line.state = "substituted" if row.get("substitute") else "delivered"

    def _end(self, order: Order, line: Line, record: Record, row: Row) -> None:
        to_state = ENDED_AS[record.type]
        if line.state in ENDED_AS.values():
            self._found.note(DOUBLED, record.place, f"{line.key} was {line.state} before")
        elif line.state != "ordered":
            self._found.note(FORBIDDEN, record.place, f"{line.key} was {to_state} after it was {line.state}")
        line.state, line.place = to_state, record.place

    def _check_end(self, order: Order, record: Record) -> None:
        left = [line.key for line in order.lines.values() if line.shipped or line.delivered is not None]
        if record.type in WHOLE_ENDS and left:
            self._found.note(FORBIDDEN, record.place, f"{record.type}, although {left[0]} had left")

    def _claim(self, order: Order, line: Line, record: Record, row: Row) -> None:
        ordered, received = record.data["ordered"], record.data["received"]
        if line.received is None or line.state == "returned":
            self._found.note(FORBIDDEN, record.place, f"{line.key} was claimed while it was {line.state}")
        elif line.claimed and received >= line.received:
            self._found.note(DOUBLED, record.place, f"{line.key} was claimed before")
        elif ordered != line.quantity or not received < ordered or received > line.received:
            what = f"{line.key}: claim of {received} of {ordered}, {line.received} of {line.quantity} were delivered"
            self._found.note(DIFFERS, record.place, what)
        line.state, line.claimed, line.received = "short", True, received

    def _return(self, order: Order, line: Line, record: Record, row: Row) -> None:
        quantity = row.get("quantity") or 0
        if line.state == "returned":
            self._found.note(DOUBLED, record.place, f"{line.key} was returned before")
        elif line.state not in ARRIVED:
            self._found.note(FORBIDDEN, record.place, f"{line.key} was returned while it was {line.state}")
        elif not 0 < quantity <= (line.received or 0):
            self._found.note(DIFFERS, record.place, f"{line.key}: {quantity} returned, {line.received} received")
        line.state, line.place = "returned", record.place

    def _check_complete(self, order: Order, record: Record) -> None:
        """`complete` means that nothing more leaves for OrderShipped, and that no line is open for the others."""
        complete = record.data.get("complete")
        if complete is None:
            return
        lines = order.lines.values()
        if record.type == "OrderShipped":
            waiting = [line for line in lines if line.state == "ordered"]
            all_left = all(not line.is_open or line.shipped >= line.quantity for line in lines) and not order.test
            wrong = bool(waiting) if complete else all_left
        else:
            wrong = complete != order.has_ended
        if wrong:
            states = ", ".join(f"{line.key.line_id} {line.state}" for line in lines)
            what = f"order {order.order_id}: {record.type} with complete={complete}, but its lines are {states}"
            self._found.note(DIFFERS, record.place, what)


def _new_line(record: Record, row: Row) -> Line:
    unit_price, packs = row.get("unit_price"), row.get("packs")
    return Line(
        key=key_of(record, row),
        product_id=str(row.get("product_id", "")),
        pool_id=str(row.get("pool_id", "")),
        epoch=row.get("epoch"),
        quantity=row.get("quantity") or 0,
        price=None if unit_price is None or packs is None else unit_price * packs,
        place=record.place,
    )


def _set_terms(order: Order, record: Record) -> None:
    """Take over prices of the order and quantities of its lines, from a draft or a later change of it."""
    data = record.data
    order.price, order.fee, order.currency = data.get("price"), data.get("fee") or 0, data.get("currency")
    for row in lines_in(record):
        line = order.lines.get(str(row["line_id"]))
        if line is not None:
            changed = _new_line(record, row)
            line.quantity, line.price = changed.quantity, changed.price


def all_lines(orders: Iterable[Order]) -> dict[LineKey, Line]:
    return {line.key: line for order in orders for line in order.lines.values()}
