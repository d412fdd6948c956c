"""The order record, its history entries and the decision that changes it."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TypedDict

from replenish_contracts.catalogue import Event
from replenish_contracts.events import Evidence
from replenish_contracts.units import BaseUnit
from services.order_dispatch.domain.states import State, check


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


@dataclass(frozen=True, slots=True)
class Cancellation:
    """A request to cancel the order; it takes effect once the provider confirms it."""

    by: str
    reason: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Order:
    """One order for one slot's product; quantities are base steps of that slot."""

    order_id: str
    customer_id: str
    product_id: str
    pool_id: str
    provider_id: str
    device_id: str
    slot: str
    packs: int
    pack_size: int
    quantity: int
    unit: BaseUnit
    scale: int
    receipt_id: str
    drafted_at: datetime
    price: int | None = None
    currency: str | None = None
    needed_by: datetime | None = None
    state: State = State.DRAFTED
    #: Number of transitions so far; equals the number of history rows.
    step: int = 1
    #: Next check if no update arrives before.
    check_at: datetime | None = None
    #: Status requests or reminders since the last update from the provider.
    status_requests: int = 0
    #: The first date the provider gave, and the latest.
    promised_at: datetime | None = None
    expected_at: datetime | None = None
    #: Quantity that left the provider.
    shipped_quantity: int | None = None
    tracking: str | None = None
    delivered_at: datetime | None = None
    evidence: Evidence | None = None
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
    #: Cost reported by the provider, and the substitute product it ships.
    billed: int | None = None
    billed_currency: str | None = None
    substitute: str | None = None
    #: Quantity counted by the customer, if less than announced.
    counted_quantity: int | None = None
    returned_quantity: int | None = None
    #: Amount captured at shipment, in minor units, and the quantity it covers.
    captured: int = 0
    captured_quantity: int = 0
    #: Total of the requested refunds, in minor units.
    refunded: int = 0
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
    def shipped_or_ordered_quantity(self) -> int:
        return self.quantity if self.shipped_quantity is None else self.shipped_quantity

    @property
    def expected_quantity(self) -> int:
        """Quantity in transit or delivered; 0 for a test order."""
        return 0 if self.test else self.shipped_or_ordered_quantity

    @property
    def received_quantity(self) -> int:
        """Quantity delivered: the customer's count takes precedence over the provider's."""
        return self.expected_quantity if self.counted_quantity is None else self.counted_quantity

    def fields(self, at: datetime) -> "OrderFields":
        return {
            "order_id": self.order_id,
            "customer_id": self.customer_id,
            "product_id": self.product_id,
            "pool_id": self.pool_id,
            "provider_id": self.provider_id,
            "occurred_at": at,
            "test": self.test,
        }


class OrderFields(TypedDict):
    """The fields of OrderFact."""

    order_id: str
    customer_id: str
    product_id: str
    pool_id: str
    provider_id: str
    occurred_at: datetime
    test: bool


@dataclass(frozen=True, slots=True)
class Transition:
    """One transition in the history of an order."""

    number: int
    from_state: State | None
    to_state: State
    occurred_at: datetime
    because: str


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision: the new order, its transitions, events and requests to the provider."""

    order: Order
    transitions: tuple[Transition, ...] = ()
    events: tuple[Event, ...] = ()
    requests: tuple[ProviderRequest, ...] = field(default=())
    #: Amount to refund, in minor units.
    refund: int = 0

    def move_to(self, to_state: State, at: datetime, because: str) -> "Decision":
        """Add a transition; raises IllegalTransitionError if the table does not allow it."""
        order = self.order
        check(order.state, to_state)
        transition = Transition(order.step + 1, order.state, to_state, at, because)
        moved = replace(order, state=to_state, step=transition.number)
        return replace(self, order=moved, transitions=(*self.transitions, transition))

    def publish(self, *events: Event) -> "Decision":
        return replace(self, events=(*self.events, *events))

    def request(self, request: ProviderRequest) -> "Decision":
        return replace(self, requests=(*self.requests, request))

    def add_refund(self, amount: int) -> "Decision":
        order = replace(self.order, refunded=self.order.refunded + amount)
        return replace(self, order=order, refund=self.refund + amount)
