"""A payment, its transitions, and the result of a decision about it."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypedDict

from replenish_contracts.catalogue import Event
from replenish_contracts.events import PaymentFailed, PaymentStep
from services.order_dispatch.payments.domain.amounts import ANY_AMOUNT, CurrencyRules
from services.order_dispatch.payments.domain.books import Booking
from services.order_dispatch.payments.domain.protocol import DeclineCause
from services.order_dispatch.payments.domain.states import IN_PROGRESS, PaymentState, check_transition


@dataclass(frozen=True, slots=True)
class Payment:
    """The payment of one order; amounts are in minor units of one currency."""

    payment_id: str
    order_id: str
    customer_id: str
    product_id: str
    pool_id: str
    provider_id: str
    #: Key in PAYMENT_SERVICES.
    service: str
    currency: str
    #: Price of the order, and the customer's limit for one order.
    amount: int
    mandate: int
    state: PaymentState = PaymentState.AUTHORIZING
    #: Number of transitions so far; the history has as many rows.
    version: int = 1
    #: The payment service can capture this authorization in several parts.
    captures_several: bool = False
    #: The step in progress with its idempotency key, amount and time; None between steps.
    step: PaymentStep | None = None
    idempotency_key: str | None = None
    requested_amount: int = 0
    requested_at: datetime | None = None
    #: The capture in progress is the last one: the payment service releases the rest with it.
    requested_final: bool = False
    #: Totals that the payment service confirmed.
    authorized: int = 0
    captured: int = 0
    refunded: int = 0
    #: The part of the authorization that ended without a capture.
    released: int = 0
    #: Requests that start as soon as the state allows it. The total of all captures, and whether no more follow.
    capture_requested: int | None = None
    capture_final: bool = False
    void_requested: bool = False
    refund_requested: int = 0
    #: The payment service's id of the payment.
    reference: str | None = None
    #: Expiry of the authorization.
    expires_at: datetime | None = None
    reason: str = ""
    #: What the payment service takes of the currency; not stored.
    rules: CurrencyRules = ANY_AMOUNT

    @property
    def held(self) -> int:
        """What can still be captured."""
        return self.authorized - self.captured - self.released

    @property
    def has_ended(self) -> bool:
        """Whether an authorization was captured, released or expired as a whole."""
        return self.authorized > 0 and self.held == 0

    @property
    def started_last_capture(self) -> bool:
        """Whether the final capture, or the release of what it leaves, is in progress or done."""
        return self.capture_final and (self.requested_final or self.step is PaymentStep.VOID or self.has_ended)

    def event_fields(self, amount: int, now: datetime) -> "PaymentFields":
        return {
            "order_id": self.order_id,
            "customer_id": self.customer_id,
            "product_id": self.product_id,
            "pool_id": self.pool_id,
            "provider_id": self.provider_id,
            "occurred_at": now,
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
    """One row of a payment's history."""

    version: int
    from_state: PaymentState | None
    to_state: PaymentState
    step: PaymentStep | None
    #: Key of the step; None for a transition without one.
    idempotency_key: str | None
    amount: int
    occurred_at: datetime
    because: str


@dataclass(frozen=True, slots=True)
class ServiceCall:
    """A call to the payment service; with an obstacle the step fails without the call."""

    step: PaymentStep
    idempotency_key: str
    obstacle: str | None = None
    cause: DeclineCause = DeclineCause.CUSTOMER


@dataclass(frozen=True, slots=True)
class PaymentDecision:
    """The new state of a payment with its transitions, bookings, events and calls to the payment service."""

    payment: Payment
    transitions: tuple[PaymentTransition, ...] = ()
    bookings: tuple[Booking, ...] = ()
    events: tuple[Event, ...] = ()
    calls: tuple[ServiceCall, ...] = ()

    def start_step(self, step: PaymentStep, amount: int, now: datetime, *, final: bool = False) -> "PaymentDecision":
        """Start a step. Its key contains the version, so that a step requested again after a refusal has a new key."""
        key = make_idempotency_key(self.payment.payment_id, step, self.payment.version + 1)
        return (
            self._change_state(IN_PROGRESS[step], (step, key), amount, now, f"{step} requested")
            .change(step=step, idempotency_key=key, requested_amount=amount, requested_at=now, requested_final=final)
            .call(ServiceCall(step, key))
        )

    def end_step(self, to_state: PaymentState, now: datetime, because: str, amount: int = 0) -> "PaymentDecision":
        """End the step in progress, if any, with a transition.

        Raises IllegalPaymentTransitionError if the transition is not legal.
        """
        step = self.payment.step, self.payment.idempotency_key
        return self._change_state(to_state, step, amount, now, because).change(
            step=None, idempotency_key=None, requested_amount=0, requested_at=None, requested_final=False
        )

    def mark_unknown(self, now: datetime) -> "PaymentDecision":
        """Keep the step in progress and its key."""
        payment = self.payment
        step = payment.step, payment.idempotency_key
        return self._change_state(PaymentState.UNKNOWN, step, payment.requested_amount, now, "the outcome is unknown")

    def _change_state(
        self,
        to_state: PaymentState,
        step: tuple[PaymentStep | None, str | None],
        amount: int,
        now: datetime,
        because: str,
    ) -> "PaymentDecision":
        from_state, version = self.payment.state, self.payment.version + 1
        check_transition(from_state, to_state)
        transition = PaymentTransition(version, from_state, to_state, *step, amount, now, because)
        payment = replace(self.payment, state=to_state, version=version, reason=because)
        return replace(self, payment=payment, transitions=(*self.transitions, transition))

    def change(self, **fields: object) -> "PaymentDecision":
        return replace(self, payment=replace(self.payment, **fields))  # type: ignore[arg-type]  # fields by name

    def book(self, booking: Booking) -> "PaymentDecision":
        return replace(self, bookings=(*self.bookings, booking))

    def publish(self, event: Event) -> "PaymentDecision":
        return replace(self, events=(*self.events, event))

    def call(self, call: ServiceCall) -> "PaymentDecision":
        return replace(self, calls=(*self.calls, call))

    def publish_failure(self, step: PaymentStep, amount: int, reason: str, now: datetime) -> "PaymentDecision":
        return self.publish(PaymentFailed(**self.payment.event_fields(amount, now), step=step, reason=reason))


def make_idempotency_key(payment_id: str, step: PaymentStep, version: int) -> str:
    return f"{payment_id}-{step}-{version}"
