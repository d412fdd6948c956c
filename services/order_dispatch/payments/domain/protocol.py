"""What every payment service is asked, and what it can answer."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from replenish_contracts.events import PaymentStep


class Status(StrEnum):
    """What a payment service says happened."""

    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    VOIDED = "voided"
    REFUNDED = "refunded"
    #: The reservation had run out, so there was nothing left to take or to let go.
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """One step asked of a payment service; asking again with the same key does nothing twice."""

    step: PaymentStep
    #: The idempotency key, made from payment, step and the number of the payment's move.
    key: str
    payment_id: str
    order_id: str
    #: Minor units of the ISO 4217 currency.
    amount: int
    currency: str
    #: When the step was decided on: it did not happen before.
    requested_at: datetime
    #: The customer's means of payment, as the service knows it; only to authorize.
    token: str | None = None
    #: The service's own id of the payment; known once it is authorized.
    reference: str | None = None

    @property
    def service_reference(self) -> str:
        """Return the service's id; raises ValueError before there is one."""
        if self.reference is None:
            raise ValueError(f"{self.key}: the payment service has given no reference yet")
        return self.reference


@dataclass(frozen=True, slots=True)
class Receipt:
    """The step happened, to this amount."""

    status: Status
    reference: str
    amount: int
    currency: str
    #: When reserved money is free again, where the service says so.
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Declined:
    """The step did not happen and will not under this key."""

    reason: str


PaymentAnswer = Receipt | Declined


class PaymentService(Protocol):
    """A payment service behind our own words.

    Every call raises libs.kit.Retry where it certainly did nothing (never connected, told to slow
    down). Any other exception means that nobody knows; `find` is asked then, and where that knows
    nothing the same step again under the same key.
    """

    async def authorize(self, ask: PaymentRequest) -> PaymentAnswer:
        """Reserve the amount on the token."""
        ...

    async def capture(self, ask: PaymentRequest) -> PaymentAnswer:
        """Take the amount of what is reserved, once; the rest is free again."""
        ...

    async def void(self, ask: PaymentRequest) -> PaymentAnswer:
        """Free what is reserved."""
        ...

    async def refund(self, ask: PaymentRequest) -> PaymentAnswer:
        """Give this much of what was taken back."""
        ...

    async def find(self, ask: PaymentRequest) -> PaymentAnswer | None:
        """Return how a step ended that was asked before, or None where the service does not know of it."""
        ...


class UnexpectedAnswerError(Exception):
    """A payment service answered something else than it was asked; a person has to look."""


_ANSWERS = {
    PaymentStep.AUTHORIZE: (Status.AUTHORIZED,),
    PaymentStep.CAPTURE: (Status.CAPTURED, Status.EXPIRED),
    PaymentStep.VOID: (Status.VOIDED, Status.EXPIRED),
    PaymentStep.REFUND: (Status.REFUNDED,),
}


def check_answer(ask: PaymentRequest, answer: PaymentAnswer) -> PaymentAnswer:
    """Return the answer if it is one to this question, to the cent; raises UnexpectedAnswerError."""
    if isinstance(answer, Declined):
        return answer
    if answer.status not in _ANSWERS[ask.step]:
        raise UnexpectedAnswerError(f"{ask.key}: asked to {ask.step}, answered {answer.status}")
    moved = answer.status in (Status.AUTHORIZED, Status.CAPTURED, Status.REFUNDED)
    if moved and (answer.amount, answer.currency) != (ask.amount, ask.currency):
        said = f"{answer.amount} {answer.currency}"
        raise UnexpectedAnswerError(f"{ask.key}: asked for {ask.amount} {ask.currency}, answered {said}")
    return answer
