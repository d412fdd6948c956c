"""A payment, and what one decision about it changes."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypedDict

from replenish_contracts.catalogue import Event
from replenish_contracts.events import PaymentFailed, PaymentStep
from services.order_dispatch.payments.domain.books import Booking
from services.order_dispatch.payments.domain.states import DOING, PaymentState, check


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
    #: How many moves it has made; its history has as many rows.
    move: int = 1
    #: The step under way, its key, amount and time; none while nothing is.
    step: PaymentStep | None = None
    key: str | None = None
    asked: int = 0
    asked_at: datetime | None = None
    #: What really happened, in sum.
    authorized: int = 0
    captured: int = 0
    refunded: int = 0
    #: What is wanted; done as soon as the payment stands where it can be.
    capture_asked: int | None = None
    void_asked: bool = False
    refund_asked: int = 0
    reference: str | None = None
    expires_at: datetime | None = None
    reason: str = ""

    @property
    def reserved(self) -> bool:
        """Return whether money is held now that is neither taken nor free."""
        before_capture = (PaymentStep.CAPTURE, PaymentStep.VOID)
        return self.state is PaymentState.AUTHORIZED or self.step in before_capture

    def fact(self, amount: int, at: datetime) -> "MoneyFact":
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


class MoneyFact(TypedDict):
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
class Move:
    """One move of a payment, as its history keeps it."""

    number: int
    here: PaymentState | None
    there: PaymentState
    step: PaymentStep | None
    amount: int
    occurred_at: datetime
    because: str


@dataclass(frozen=True, slots=True)
class Call:
    """A payment service is to be asked; where there is an obstacle it is not, and the step fails with it."""

    step: PaymentStep
    key: str
    obstacle: str | None = None


@dataclass(frozen=True, slots=True)
class PaymentTurn:
    """A decision: the payment afterwards, its moves, what is booked, said and asked."""

    payment: Payment
    moves: tuple[Move, ...] = ()
    bookings: tuple[Booking, ...] = ()
    events: tuple[Event, ...] = ()
    calls: tuple[Call, ...] = ()

    def then(self, there: PaymentState, at: datetime, because: str, amount: int = 0) -> "PaymentTurn":
        """Add a move that ends the step under way; raises IllegalMove where the table has none."""
        step = self.payment.step
        turn = self._moved(there, Move(self.payment.move + 1, self.payment.state, there, step, amount, at, because))
        rest = replace(turn.payment, step=None, key=None, asked=0, asked_at=None)
        return replace(turn, payment=rest)

    def start(self, step: PaymentStep, amount: int, at: datetime) -> "PaymentTurn":
        """Begin a step: its key is its own, also when the same step was refused before."""
        there, number = DOING[step], self.payment.move + 1
        because = f"{step} is wanted"
        turn = self._moved(there, Move(number, self.payment.state, there, step, amount, at, because))
        key = key_of(self.payment.payment_id, step, number)
        doing = replace(turn.payment, step=step, key=key, asked=amount, asked_at=at)
        return replace(turn, payment=doing, calls=(*turn.calls, Call(step, key)))

    def lose_track(self, at: datetime) -> "PaymentTurn":
        """Note that nobody knows about the step under way; its key stays."""
        payment, there = self.payment, PaymentState.UNKNOWN
        because = "no outcome is known"
        return self._moved(
            there, Move(payment.move + 1, payment.state, there, payment.step, payment.asked, at, because)
        )

    def _moved(self, there: PaymentState, move: Move) -> "PaymentTurn":
        check(self.payment.state, there)
        payment = replace(self.payment, state=there, move=move.number, reason=move.because)
        return replace(self, payment=payment, moves=(*self.moves, move))

    def change(self, **wishes: int | bool | None) -> "PaymentTurn":
        return replace(self, payment=replace(self.payment, **wishes))  # type: ignore[arg-type]  # fields by name

    def book(self, *bookings: Booking) -> "PaymentTurn":
        return replace(self, bookings=(*self.bookings, *bookings))

    def say(self, *events: Event) -> "PaymentTurn":
        return replace(self, events=(*self.events, *events))

    def fail(self, step: PaymentStep, amount: int, reason: str, at: datetime) -> "PaymentTurn":
        return self.say(PaymentFailed(**self.payment.fact(amount, at), step=step, reason=reason))


def key_of(payment_id: str, step: PaymentStep, number: int) -> str:
    """Return the idempotency key of a payment's step."""
    return f"{payment_id}-{step}-{number}"
