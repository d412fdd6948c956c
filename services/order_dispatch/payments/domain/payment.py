"""A payment, and what one decision about it changes."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypedDict

from replenish_contracts.catalogue import Event
from replenish_contracts.events import PaymentFailed, PaymentStep
from services.order_dispatch.payments.domain.books import Booking
from services.order_dispatch.payments.domain.states import IN_PROGRESS, PaymentState, check


@dataclass(frozen=True, slots=True)
class Payment:
    """The money of one order; amounts are minor units of one currency."""

    payment_id: str
    order_id: str
    customer_id: str
    product_id: str
    pool_id: str
    provider_id: str
    #: The module in payments/ that speaks with the payment service.
    service: str
    currency: str
    #: What the order costs, and the most the customer agreed to for one order.
    amount: int
    mandate: int
    state: PaymentState = PaymentState.AUTHORIZING
    #: How many transitions it has made; its history has as many rows.
    move: int = 1
    #: The step under way, its key, amount and time; none while nothing is.
    step: PaymentStep | None = None
    key: str | None = None
    requested: int = 0
    requested_at: datetime | None = None
    #: What really happened, in sum.
    authorized: int = 0
    captured: int = 0
    refunded: int = 0
    #: What is wanted; done as soon as the payment stands where it can be.
    capture_requested: int | None = None
    void_requested: bool = False
    refund_requested: int = 0
    reference: str | None = None
    expires_at: datetime | None = None
    reason: str = ""

    @property
    def reserved(self) -> bool:
        """Return whether money is held now that is neither taken nor free."""
        before_capture = (PaymentStep.CAPTURE, PaymentStep.VOID)
        return self.state is PaymentState.AUTHORIZED or self.step in before_capture

    def fields(self, amount: int, at: datetime) -> "PaymentFields":
        """Return what every event about this payment carries."""
        return {
            "order_id": self.order_id,
            "customer_id": self.customer_id,
            "product_id": self.product_id,
            "pool_id": self.pool_id,
            "provider_id": self.provider_id,
            "occurred_at": at,
            "payment_id": self.payment_id,
            "amount": amount,
            "currency": self.currency,
        }


class PaymentFields(TypedDict):
    """The fields of PaymentFact."""

    order_id: str
    customer_id: str
    product_id: str
    pool_id: str
    provider_id: str
    occurred_at: datetime
    payment_id: str
    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class PaymentTransition:
    """One move of a payment, as its history keeps it."""

    number: int
    from_state: PaymentState | None
    to_state: PaymentState
    step: PaymentStep | None
    amount: int
    occurred_at: datetime
    because: str


@dataclass(frozen=True, slots=True)
class ServiceCall:
    """A payment service is to be asked; where there is an obstacle it is not, and the step fails with it."""

    step: PaymentStep
    key: str
    obstacle: str | None = None


@dataclass(frozen=True, slots=True)
class PaymentDecision:
    """A decision: the payment afterwards, its transitions, what is booked, said and asked."""

    payment: Payment
    transitions: tuple[PaymentTransition, ...] = ()
    bookings: tuple[Booking, ...] = ()
    events: tuple[Event, ...] = ()
    calls: tuple[ServiceCall, ...] = ()

    def move_to(self, to_state: PaymentState, at: datetime, because: str, amount: int = 0) -> "PaymentDecision":
        """Add a move that ends the step under way; raises IllegalMove where the table has none."""
        step = self.payment.step
        decision = self._moved(
            to_state, PaymentTransition(self.payment.move + 1, self.payment.state, to_state, step, amount, at, because)
        )
        rest = replace(decision.payment, step=None, key=None, requested=0, requested_at=None)
        return replace(decision, payment=rest)

    def start(self, step: PaymentStep, amount: int, at: datetime) -> "PaymentDecision":
        """Begin a step: its key is its own, also when the same step was refused before."""
        to_state, number = IN_PROGRESS[step], self.payment.move + 1
        because = f"{step} is wanted"
        decision = self._moved(
            to_state, PaymentTransition(number, self.payment.state, to_state, step, amount, at, because)
        )
        key = key_of(self.payment.payment_id, step, number)
        doing = replace(decision.payment, step=step, key=key, requested=amount, requested_at=at)
        return replace(decision, payment=doing, calls=(*decision.calls, ServiceCall(step, key)))

    def lose_track(self, at: datetime) -> "PaymentDecision":
        """Note that nobody knows about the step under way; its key stays."""
        payment, to_state = self.payment, PaymentState.UNKNOWN
        because = "no outcome is known"
        return self._moved(
            to_state,
            PaymentTransition(payment.move + 1, payment.state, to_state, payment.step, payment.requested, at, because),
        )

    def _moved(self, to_state: PaymentState, move: PaymentTransition) -> "PaymentDecision":
        check(self.payment.state, to_state)
        payment = replace(self.payment, state=to_state, move=move.number, reason=move.because)
        return replace(self, payment=payment, transitions=(*self.transitions, move))

    def change(self, **wishes: int | bool | None) -> "PaymentDecision":
        return replace(self, payment=replace(self.payment, **wishes))  # type: ignore[arg-type]  # fields by name

    def book(self, *bookings: Booking) -> "PaymentDecision":
        return replace(self, bookings=(*self.bookings, *bookings))

    def publish(self, *events: Event) -> "PaymentDecision":
        return replace(self, events=(*self.events, *events))

    def fail(self, step: PaymentStep, amount: int, reason: str, at: datetime) -> "PaymentDecision":
        return self.publish(PaymentFailed(**self.payment.fields(amount, at), step=step, reason=reason))


def key_of(payment_id: str, step: PaymentStep, number: int) -> str:
    """Return the idempotency key of a payment's step."""
    return f"{payment_id}-{step}-{number}"
