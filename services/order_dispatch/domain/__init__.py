"""What order_dispatch decides: an order's states, what moves it, and when it is looked at again."""

from services.order_dispatch.domain.aftercare import Counted, NotThere, TooMuch, clear, flag, modify, receive, take_back
from services.order_dispatch.domain.answers import Fate, Verdict, hear
from services.order_dispatch.domain.drafts import RESOLUTION_HOURS, Device, Offer, Provider, Slot, draft
from services.order_dispatch.domain.endings import TooLate, ask_to_cancel, fail, withdraw
from services.order_dispatch.domain.keepers import SILENCE, entrust, look, put_off
from services.order_dispatch.domain.money import Due, Move, charge, dues, kept, lose, overpaid, worth
from services.order_dispatch.domain.orders import Ask, Cancellation, Keeper, Order, Step, Turn
from services.order_dispatch.domain.placing import (
    Way,
    got_through,
    is_ready,
    leave_unsent,
    proceed,
    refuse,
    run_short,
    why_not_sent,
)
from services.order_dispatch.domain.states import (
    CLOSED,
    FRUITLESS,
    INSIDE,
    OUTSIDE,
    TRANSITIONS,
    IllegalTransition,
    State,
)
from services.order_dispatch.domain.watch import Patience, doubt, sent

__all__ = [
    "CLOSED",
    "FRUITLESS",
    "INSIDE",
    "OUTSIDE",
    "RESOLUTION_HOURS",
    "SILENCE",
    "TRANSITIONS",
    "Ask",
    "Cancellation",
    "Counted",
    "Device",
    "Due",
    "Fate",
    "IllegalTransition",
    "Keeper",
    "Move",
    "NotThere",
    "Offer",
    "Order",
    "Patience",
    "Provider",
    "Slot",
    "State",
    "Step",
    "TooLate",
    "TooMuch",
    "Turn",
    "Verdict",
    "Way",
    "ask_to_cancel",
    "charge",
    "clear",
    "doubt",
    "draft",
    "dues",
    "entrust",
    "fail",
    "flag",
    "got_through",
    "hear",
    "is_ready",
    "kept",
    "leave_unsent",
    "look",
    "lose",
    "modify",
    "overpaid",
    "proceed",
    "put_off",
    "receive",
    "refuse",
    "run_short",
    "sent",
    "take_back",
    "why_not_sent",
    "withdraw",
    "worth",
]
