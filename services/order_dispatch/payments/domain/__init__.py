"""What is decided about money: a payment's states, its steps, and the books."""

from services.order_dispatch.payments.domain.books import Accounts, Booked, Booking
from services.order_dispatch.payments.domain.outcomes import LAPSED, answered, lapse, lose_track, withdraw
from services.order_dispatch.payments.domain.payment import Call, Move, Payment, PaymentTurn, key_of
from services.order_dispatch.payments.domain.protocol import (
    Answer,
    Ask,
    Declined,
    PaymentService,
    Receipt,
    Status,
    UnexpectedAnswerError,
    believe,
)
from services.order_dispatch.payments.domain.states import (
    CLOSED,
    DOING,
    TRANSITIONS,
    IllegalPaymentTransitionError,
    PaymentState,
)
from services.order_dispatch.payments.domain.wishes import Mandate, open_payment, want_capture, want_refund, want_void

__all__ = [
    "CLOSED",
    "DOING",
    "LAPSED",
    "TRANSITIONS",
    "Accounts",
    "Answer",
    "Ask",
    "Booked",
    "Booking",
    "Call",
    "Declined",
    "IllegalPaymentTransitionError",
    "Mandate",
    "Move",
    "Payment",
    "PaymentService",
    "PaymentState",
    "PaymentTurn",
    "Receipt",
    "Status",
    "UnexpectedAnswerError",
    "answered",
    "believe",
    "key_of",
    "lapse",
    "lose_track",
    "open_payment",
    "want_capture",
    "want_refund",
    "want_void",
    "withdraw",
]
