"""What is decided about payments: states, steps and the books."""

from services.order_dispatch.payments.domain.books import refund, release, reserve, take
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
    Declined,
    PaymentAnswer,
    PaymentRequest,
    PaymentService,
    Receipt,
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
    check,
)

__all__ = [
    "CLOSED",
    "Declined",
    "EXPIRED_REASON",
    "IN_PROGRESS",
    "IllegalPaymentTransitionError",
    "Mandate",
    "Payment",
    "PaymentAnswer",
    "PaymentDecision",
    "PaymentRequest",
    "PaymentService",
    "PaymentState",
    "Receipt",
    "Status",
    "TRANSITIONS",
    "UnexpectedAnswerError",
    "apply_answer",
    "check",
    "check_answer",
    "expire",
    "mark_unknown",
    "open_payment",
    "refund",
    "release",
    "request_capture",
    "request_refund",
    "request_void",
    "reserve",
    "take",
    "withdraw",
]
