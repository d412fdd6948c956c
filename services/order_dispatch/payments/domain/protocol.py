"""The interface of a payment service: its requests, its answers and what counts as a valid answer."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from replenish_contracts.events import PaymentStep
from services.order_dispatch.payments.domain.amounts import FindRules, any_currency


@dataclass(frozen=True, slots=True)
class ServiceDescriptor:
    """What a payment service can do."""

    #: As people read it in errors.
    name: str
    #: It can capture an authorization in several parts; the answer to one authorization may exclude it.
    captures_several: bool = False
    #: The amounts that it takes of a currency.
    find_rules: FindRules = any_currency


class Status(StrEnum):
    """Result of a request that the payment service did not decline."""

    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    VOIDED = "voided"
    REFUNDED = "refunded"
    #: The authorization had expired, so the rest of it could be neither captured nor voided.
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """One step requested of a payment service; a repeat with the same idempotency key has no further effect."""

    step: PaymentStep
    idempotency_key: str
    payment_id: str
    order_id: str
    #: Minor units of the ISO 4217 currency.
    amount: int
    currency: str
    #: Time of the decision; a service's record of this step cannot be older.
    requested_at: datetime
    #: The service's token for the customer's payment method; only to authorize.
    token: str | None = None
    #: The service's own id of the payment; known once it is authorized.
    reference: str | None = None
    #: Total of the earlier captures.
    captured: int = 0
    #: No capture follows this one, and it releases the rest. False only if the service captures several times.
    final: bool = True

    @property
    def service_reference(self) -> str:
        """The service's id of the payment. Raises ValueError before it is authorized."""
        if self.reference is None:
            raise ValueError(f"{self.idempotency_key}: the payment has no reference at the payment service yet")
        return self.reference


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The step was performed, with this amount."""

    status: Status
    reference: str
    amount: int
    currency: str
    #: Expiry of the authorization, if the service returns one.
    expires_at: datetime | None = None
    #: Whether this authorization can be captured in several parts; None if the service makes no difference.
    captures_several: bool | None = None


class DeclineCause(StrEnum):
    """Who can put a declined step right."""

    #: The customer's bank declined it.
    BANK = "bank"
    #: The customer must act: confirm at the bank, store a payment method, raise the limit.
    CUSTOMER = "customer"
    #: Our configuration, key or amount; nothing that the customer could change.
    OURS = "ours"
    #: The bank or the payment service was not available; the same payment may succeed later.
    LATER = "later"

    @property
    def concerns_customer(self) -> bool:
        return self in (DeclineCause.BANK, DeclineCause.CUSTOMER)


@dataclass(frozen=True, slots=True)
class Declined:
    """The step was not performed; a repeat with the same key is declined as well.

    The customer can read the reason, so it must not contain keys or other details of our account.
    """

    reason: str
    cause: DeclineCause = DeclineCause.BANK


PaymentAnswer = Confirmed | Declined


class PaymentService(Protocol):
    """Client of a payment service.

    Every call raises RetryLaterError only if the service certainly did nothing (no connection, rate limit). After any
    other exception the outcome is unknown: `find` looks it up, and if it returns None the step is sent again with the
    same key.
    """

    async def authorize(self, request: PaymentRequest) -> PaymentAnswer: ...

    async def capture(self, request: PaymentRequest) -> PaymentAnswer:
        """Capture the amount in addition to earlier captures; `final` releases the rest of the authorization."""
        ...

    async def void(self, request: PaymentRequest) -> PaymentAnswer:
        """Release what was not captured."""
        ...

    async def refund(self, request: PaymentRequest) -> PaymentAnswer: ...

    async def find(self, request: PaymentRequest) -> PaymentAnswer | None:
        """Return the result of an earlier request, or None if the service has no record of it."""
        ...


class UnexpectedAnswerError(Exception):
    """A payment service answered with another step, amount or currency; an operator must resolve it."""


_STATUSES = {
    PaymentStep.AUTHORIZE: (Status.AUTHORIZED,),
    PaymentStep.CAPTURE: (Status.CAPTURED, Status.EXPIRED),
    PaymentStep.VOID: (Status.VOIDED, Status.EXPIRED),
    PaymentStep.REFUND: (Status.REFUNDED,),
}


def check_answer(request: PaymentRequest, answer: PaymentAnswer) -> PaymentAnswer:
    """Return the answer. Raises UnexpectedAnswerError if its status, amount or currency does not match the request."""
    if isinstance(answer, Declined):
        return answer
    key = request.idempotency_key
    if answer.status not in _STATUSES[request.step]:
        raise UnexpectedAnswerError(f"{key}: the answer to {request.step} is {answer.status}")
    has_amount = answer.status in (Status.AUTHORIZED, Status.CAPTURED, Status.REFUNDED)
    if has_amount and (answer.amount, answer.currency) != (request.amount, request.currency):
        raise UnexpectedAnswerError(
            f"{key}: requested {request.amount} {request.currency}, answered {answer.amount} {answer.currency}"
        )
    return answer
