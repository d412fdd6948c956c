"""What order_dispatch decides about orders: states, transitions, timeouts and money."""

from services.order_dispatch.domain.cancellation import TooLateError, cancel, fail, withdraw
from services.order_dispatch.domain.changes import (
    AlreadyCountedError,
    ExcessQuantityError,
    NotDeliveredError,
    clear_fraud,
    flag_fraud,
    modify,
    record_count,
    return_goods,
)
from services.order_dispatch.domain.money import (
    MoneyMove,
    PaymentMove,
    amount_to_capture,
    money_moves,
    record_payment_failure,
)
from services.order_dispatch.domain.order import Cancellation, Decision, Order, ProviderRequest, Responder
from services.order_dispatch.domain.placing import (
    FulfilmentPlan,
    draft,
    end_unsubmitted,
    is_ready,
    next_step,
    reason_not_to_submit,
    record_reply,
    refuse_for_shortage,
    submit,
    submit_to_person,
)
from services.order_dispatch.domain.provider import DeviceStatus, Offer, Provider, Slot, price_of
from services.order_dispatch.domain.states import CLOSED, NOT_SUBMITTED, TRANSITIONS, IllegalTransitionError, State
from services.order_dispatch.domain.timeouts import Timeouts, check_due_order, extend_deadline, mark_unknown
from services.order_dispatch.domain.updates import Outcome, decide_update

__all__ = [
    "CLOSED",
    "NOT_SUBMITTED",
    "TRANSITIONS",
    "AlreadyCountedError",
    "Cancellation",
    "Decision",
    "DeviceStatus",
    "ExcessQuantityError",
    "FulfilmentPlan",
    "IllegalTransitionError",
    "MoneyMove",
    "NotDeliveredError",
    "Offer",
    "Order",
    "Outcome",
    "PaymentMove",
    "Provider",
    "ProviderRequest",
    "Responder",
    "Slot",
    "State",
    "Timeouts",
    "TooLateError",
    "amount_to_capture",
    "cancel",
    "check_due_order",
    "clear_fraud",
    "decide_update",
    "draft",
    "end_unsubmitted",
    "extend_deadline",
    "fail",
    "flag_fraud",
    "is_ready",
    "mark_unknown",
    "modify",
    "money_moves",
    "next_step",
    "price_of",
    "reason_not_to_submit",
    "record_count",
    "record_payment_failure",
    "record_reply",
    "refuse_for_shortage",
    "return_goods",
    "submit",
    "submit_to_person",
    "withdraw",
]
