"""The order record, its history entries and the decision that changes it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from replenish_contracts.catalogue import Event
from replenish_contracts.events import Evidence, Line
from replenish_contracts.events import OrderLine as AgreedLine
from services.order_dispatch.domain.lines import WITHOUT_GOODS_LINE, Cancellation, LineState, OrderLine, order_state
from services.order_dispatch.domain.states import State, check, states_between


class Responder(StrEnum):
    """The person who must accept or decline an order before a deadline."""

    #: A provider whose orders and stock this installation manages.
    SHOP = "shop"
    #: The customer, who places the order at a shop without an API.
    CUSTOMER = "customer"


class ProviderRequest(StrEnum):
    """A request to a provider; its protocol decides the wire format."""

    SUBMIT = "submit"
    CANCEL = "cancel"
    STATUS = "status"


class NoSuchLineError(ValueError):
    """A request or update names no line, an unknown one or one twice, or lines where the whole order is meant."""


@dataclass(frozen=True, slots=True)
class Shipment:
    """A parcel, with the quantity of each line in it."""

    #: The provider's id, or unnamed-<number> for a part of a line that was shipped without one.
    shipment_id: str
    #: Pairs of line id and quantity in base steps.
    quantities: tuple[tuple[str, int], ...]
    tracking: str | None = None
    arrived: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """One order with its lines; the order's own fields are about all of them."""

    order_id: str
    customer_id: str
    provider_id: str
    lines: tuple[OrderLine, ...]
    drafted_at: datetime
    #: Agreed price of all lines and the delivery fee in it, in minor units of `currency`.
    price: int | None = None
    currency: str | None = None
    fee: int = 0
    needed_by: datetime | None = None
    state: State = State.DRAFTED
    #: Number of transitions so far; equals the number of history rows.
    step: int = 1
    #: Next check if no update arrives before.
    check_at: datetime | None = None
    #: Status requests or reminders since the last update from the provider.
    status_requests: int = 0
    #: The first date the provider gave, and the latest date of an open line.
    promised_at: datetime | None = None
    expected_at: datetime | None = None
    #: Tracking number of the latest parcel.
    tracking: str | None = None
    shipments: tuple[Shipment, ...] = ()
    cancellation: Cancellation | None = None
    #: A test order passes through all states without moving money or goods.
    test: bool = False
    #: When stock was reserved and payment authorized, if the provider needs them.
    reserved_at: datetime | None = None
    authorized_at: datetime | None = None
    #: When the order was submitted, or may have been.
    sent_at: datetime | None = None
    #: Until then the provider may still be accepting the order, so a "not found" proves nothing.
    in_flight_until: datetime | None = None
    #: Deadline for the customer to resolve a problem; then the order is cancelled.
    resolve_by: datetime | None = None
    #: The provider's order number.
    reference: str | None = None
    #: Total cost reported by the provider, and the agreed price of what it is for: the lines and fee at that time.
    billed: int | None = None
    billed_currency: str | None = None
    billed_for: int | None = None
    #: The part of the fee that was captured and refunded.
    fee_captured: int = 0
    fee_refunded: int = 0
    #: Payment problem after shipment.
    payment_problem: str | None = None
    fraud_at: datetime | None = None
    fraud_cleared_at: datetime | None = None
    #: The person who must answer, and the deadline.
    responder: Responder | None = None
    answer_by: datetime | None = None

    @property
    def is_unanswered(self) -> bool:
        """An order that its responder has not accepted yet can be withdrawn without a reply."""
        return self.responder is not None and self.state is State.PLACING

    @property
    def is_flagged(self) -> bool:
        return self.fraud_at is not None and self.fraud_cleared_at is None

    @property
    def open_lines(self) -> tuple[OrderLine, ...]:
        return tuple(line for line in self.lines if line.is_open)

    @property
    def is_complete(self) -> bool:
        return not any(line.is_open for line in self.lines)

    @property
    def has_left(self) -> bool:
        """Whether anything of the order has left the provider."""
        return any(line.has_left for line in self.lines)

    @property
    def has_all_left(self) -> bool:
        """Whether nothing of the order is to leave any more."""
        return not any(line.is_to_leave for line in self.lines)

    @property
    def current_price(self) -> int:
        """Agreed price of the lines that have not been cancelled or refused, and the fee, in minor units."""
        return self.fee + sum(line.price or 0 for line in self.lines if line.state not in WITHOUT_GOODS_LINE)

    @property
    def captured(self) -> int:
        """Amount captured for all shipments and the fee, in minor units."""
        return self.fee_captured + sum(line.captured for line in self.lines)

    @property
    def refunded(self) -> int:
        """Total of the requested refunds, in minor units."""
        return self.fee_refunded + sum(line.refunded for line in self.lines)

    @property
    def delivered_at(self) -> datetime | None:
        """When the last line arrived; None while a line is open."""
        times = [line.delivered_at for line in self.lines if line.delivered_at is not None]
        return max(times, default=None) if self.is_complete else None

    @property
    def evidence(self) -> Evidence | None:
        """ESTIMATED if that of any line is; None while a line is open."""
        found = {line.evidence for line in self.lines if line.evidence is not None} if self.is_complete else set()
        return Evidence.ESTIMATED if Evidence.ESTIMATED in found else next(iter(found), None)

    @property
    def expected_date(self) -> date | None:
        """The date whose end `expected_at` is, if the provider named no time."""
        return next((line.expected_date for line in self.lines if line.expected_at == self.expected_at), None)

    @property
    def lines_to_cancel(self) -> tuple[OrderLine, ...]:
        """The lines whose cancellation is requested; empty for the whole order, if nothing of it has left."""
        if self.cancellation is not None and not self.has_left:
            return ()
        waiting = (line for line in self.lines if line.state is LineState.ORDERED)
        return tuple(line for line in waiting if line.cancellation or self.cancellation)

    @property
    def cancel_reason(self) -> str:
        """The reason of the pending cancellation of the order or its lines."""
        requests = [self.cancellation, *(line.cancellation for line in self.lines)]
        return next((request.reason for request in requests if request is not None), "")

    def find_line(self, line_id: str | None) -> OrderLine:
        """Return a line; None stands for the line of an order that has only one. Raises NoSuchLineError."""
        if line_id is None and len(self.lines) == 1:
            return self.lines[0]
        for line in self.lines:
            if line.line_id == line_id:
                return line
        problem = "line_id is required" if line_id is None else f"there is no line {line_id}"
        raise NoSuchLineError(f"{problem}; the order has the lines {', '.join(line.line_id for line in self.lines)}")

    def find_shipment(self, shipment_id: str | None) -> Shipment | None:
        return next((parcel for parcel in self.shipments if parcel.shipment_id == shipment_id), None)

    def with_lines(self, changed: Iterable[OrderLine]) -> "Order":
        """Replace the lines that have the same ids as the changed ones."""
        by_id = {line.line_id: line for line in changed}
        return replace(self, lines=tuple(by_id.get(line.line_id, line) for line in self.lines))

    def subject(self, line: OrderLine) -> str:
        """Return the words for a line in reasons: of an order of one line, the order."""
        return "the order" if len(self.lines) == 1 else f"line {line.line_id}"

    def cancel_fields(self, at: datetime) -> dict[str, Any]:
        """Return the fields of an event that requests the cancellation of lines; those that left are not among them."""
        lines = self.lines_to_cancel or self.open_lines
        return self.fields(at, [line.as_event_line() for line in lines]) | {"reason": self.cancel_reason}

    def fields(self, at: datetime, lines: Sequence[Line] | None = None) -> dict[str, Any]:
        """Return the fields of OrderFact: an event about these lines, by default all lines as they were ordered."""
        about = [line.as_event_line() for line in self.lines] if lines is None else lines
        return self.reference_fields(at, about[0]) | {"lines": tuple(about)}

    def agreed_fields(self, at: datetime, lines: Sequence[OrderLine] | None = None) -> dict[str, Any]:
        """Return the fields of an OrderFact that has lines with their terms, and those of its first line."""
        about: list[AgreedLine] = [line.as_agreed_line() for line in (self.lines if lines is None else lines)]
        return self.fields(at, about) | {"packs": about[0].packs, "quantity": about[0].quantity}

    def reference_fields(self, at: datetime, first: Line | OrderLine | None = None) -> dict[str, Any]:
        """Return the fields of OrderReference."""
        first = first or self.lines[0]
        return {
            "order_id": self.order_id,
            "customer_id": self.customer_id,
            "product_id": first.product_id,
            "pool_id": first.pool_id,
            "provider_id": self.provider_id,
            "occurred_at": at,
            "test": self.test,
        }


@dataclass(frozen=True, slots=True)
class Transition:
    """One transition in the history of an order."""

    number: int
    from_state: State | None
    to_state: State
    occurred_at: datetime
    because: str


@dataclass(frozen=True, slots=True)
class Capture:
    """The amount due for all that left so far, in minor units; with `final`, nothing more will leave."""

    due: int
    final: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision: the new order, its transitions, events, requests to the provider and money."""

    order: Order
    transitions: tuple[Transition, ...] = ()
    events: tuple[Event, ...] = ()
    requests: tuple[ProviderRequest, ...] = field(default=())
    capture: Capture | None = None
    #: Amount to refund, in minor units.
    refund: int = 0

    def move_to(self, to_state: State, at: datetime, because: str) -> "Decision":
        """Add a transition; raises IllegalTransitionError if the table does not allow it."""
        order = self.order
        check(order.state, to_state)
        transition = Transition(order.step + 1, order.state, to_state, at, because)
        moved = replace(order, state=to_state, step=transition.number)
        return replace(self, order=moved, transitions=(*self.transitions, transition))

    def follow_lines(self, at: datetime, because: str) -> "Decision":
        """Add the transitions to the state that follows from the lines; the deadline of a closed order is deleted."""
        target = order_state(self.order.state, self.order.lines)
        if target is self.order.state:
            return self
        decision = self
        for state in states_between(self.order.state, target):
            decision = decision.move_to(state, at, because)
        return decision if target in (State.PLACED, State.SHIPPED) else decision.change(check_at=None)

    def then(self, later: "Decision") -> "Decision":
        """Return this decision followed by one about the order that it leaves."""
        return replace(
            later,
            transitions=self.transitions + later.transitions,
            events=self.events + later.events,
            requests=self.requests + later.requests,
            capture=later.capture or self.capture,
            refund=self.refund + later.refund,
        )

    def change(self, **fields: object) -> "Decision":
        return replace(self, order=replace(self.order, **fields))  # type: ignore[arg-type]  # fields by name

    def change_lines(self, changed: Iterable[OrderLine]) -> "Decision":
        return replace(self, order=self.order.with_lines(changed))

    def publish(self, *events: Event) -> "Decision":
        return replace(self, events=(*self.events, *events))

    def request(self, request: ProviderRequest) -> "Decision":
        return replace(self, requests=(*self.requests, request))

    def add_refund(self, line: OrderLine, amount: int) -> "Decision":
        refunded = replace(line, refunded=line.refunded + amount)
        return replace(self.change_lines([refunded]), refund=self.refund + amount)
