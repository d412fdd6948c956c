"""Domain of payments: states, decisions, bookings and the interface of payment services."""

from services.order_dispatch.payments.domain.decisions import (
    EXPIRED_REASON,
    Mandate,
    apply_answer,
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
    Declined,
    PaymentAnswer,
    PaymentRequest,
    PaymentService,
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
    check_transition,
)

__all__ = [
    "CLOSED",
    "EXPIRED_REASON",
    "IN_PROGRESS",
    "TRANSITIONS",
    "Confirmed",
    "Declined",
    "IllegalPaymentTransitionError",
    "Mandate",
    "Payment",
    "PaymentAnswer",
    "PaymentDecision",
    "PaymentRequest",
    "PaymentService",
    "PaymentState",
    "Status",
    "UnexpectedAnswerError",
    "apply_answer",
    "check_answer",
    "check_transition",
    "expire",
    "mark_unknown",
    "open_payment",
    "request_capture",
    "request_refund",
    "request_void",
    "withdraw",
]
