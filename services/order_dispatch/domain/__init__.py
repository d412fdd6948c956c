"""What order_dispatch decides: an order's states, what moves it, and when it is looked at again."""

from services.order_dispatch.domain.answers import Fate, Verdict, hear
from services.order_dispatch.domain.drafts import Device, Offer, Provider, Slot, draft
from services.order_dispatch.domain.endings import TooLate, ask_to_cancel, fail, withdraw
from services.order_dispatch.domain.orders import Ask, Cancellation, Order, Step, Turn
from services.order_dispatch.domain.states import CLOSED, TRANSITIONS, IllegalTransition, State
from services.order_dispatch.domain.watch import Patience, look, sent

__all__ = [
    "CLOSED",
    "TRANSITIONS",
    "Ask",
    "Cancellation",
    "Device",
    "Fate",
    "IllegalTransition",
    "Offer",
    "Order",
    "Patience",
    "Provider",
    "Slot",
    "State",
    "Step",
    "TooLate",
    "Turn",
    "Verdict",
    "ask_to_cancel",
    "draft",
    "fail",
    "hear",
    "look",
    "sent",
    "withdraw",
]
