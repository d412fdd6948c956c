"""What is decided about money: a payment's states, its steps, and the books."""

from services.order_dispatch.payments.domain.books import Accounts, Booked, Booking
from services.order_dispatch.payments.domain.deciding import (
    LAPSED,
    Mandate,
    answered,
    lapse,
    lose_track,
    open_payment,
    want_capture,
    want_refund,
    want_void,
    withdraw,
)
from services.order_dispatch.payments.domain.payment import Call, Move, Payment, PaymentTurn, key_of
from services.order_dispatch.payments.domain.protocol import (
    Answer,
    Ask,
    Declined,
    PaymentService,
    Receipt,
    Status,
    WrongAnswer,
    believe,
)
from services.order_dispatch.payments.domain.states import CLOSED, DOING, TRANSITIONS, IllegalMove, PaymentState

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
    "IllegalMove",
    "Mandate",
    "Move",
    "Payment",
    "PaymentService",
    "PaymentState",
    "PaymentTurn",
    "Receipt",
    "Status",
    "WrongAnswer",
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
