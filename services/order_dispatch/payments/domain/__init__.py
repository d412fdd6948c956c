"""Domain of payments: states, decisions, bookings and the interface of payment services."""

from services.order_dispatch.payments.domain.amounts import (
    ANY_AMOUNT,
    CurrencyRules,
    UnchargeableAmountError,
    check_amount,
    check_share,
)
from services.order_dispatch.payments.domain.answers import apply_answer
from services.order_dispatch.payments.domain.decisions import (
    Mandate,
    expire,
    mark_unknown,
    open_payment,
    request_capture,
    request_refund,
    request_void,
    withdraw,
)
from services.order_dispatch.payments.domain.payment import Payment, PaymentDecision
from services.order_dispatch.payments.domain.protocol import (
    Confirmed,
    DeclineCause,
    Declined,
    PaymentRequest,
    ServiceDescriptor,
    Status,
    UnexpectedAnswerError,
    check_answer,
)
from services.order_dispatch.payments.domain.states import (
    CLOSED,
    IN_PROGRESS,
    TRANSITIONS,
    IllegalPaymentTransitionError,
    PaymentState,
)

__all__ = [
    "ANY_AMOUNT",
    "CLOSED",
    "IN_PROGRESS",
    "TRANSITIONS",
    "Confirmed",
    "CurrencyRules",
    "DeclineCause",
    "Declined",
    "IllegalPaymentTransitionError",
    "Mandate",
    "Payment",
    "PaymentDecision",
    "PaymentRequest",
    "PaymentState",
    "ServiceDescriptor",
    "Status",
    "UnchargeableAmountError",
    "UnexpectedAnswerError",
    "apply_answer",
    "check_amount",
    "check_answer",
    "check_share",
    "expire",
    "mark_unknown",
    "open_payment",
    "request_capture",
    "request_refund",
    "request_void",
    "withdraw",
]
