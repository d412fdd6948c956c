"""What people can answer about an order, and where that leads."""

from enum import StrEnum

from replenish_contracts.events import UpdateStatus
from services.order_dispatch.domain import Keeper, Order, State


class Step(StrEnum):
    """One answer of a person's."""

    ACKNOWLEDGE = "acknowledge"
    SHIP = "ship"
    DELIVER = "deliver"
    REFUSE = "refuse"
    ORDERED = "ordered"
    NOT_YET = "not_yet"
    NO = "no"
    ARRIVED = "arrived"


OF_SHOPS = frozenset({Step.ACKNOWLEDGE, Step.SHIP, Step.DELIVER, Step.REFUSE})

#: What each is in the words of every provider; the two others are the customer's own.
STATUSES = {
    Step.ACKNOWLEDGE: UpdateStatus.ACCEPTED,
    Step.SHIP: UpdateStatus.SHIPPED,
    Step.DELIVER: UpdateStatus.DELIVERED,
    Step.REFUSE: UpdateStatus.REFUSED,
    Step.ORDERED: UpdateStatus.ACCEPTED,
    Step.ARRIVED: UpdateStatus.DELIVERED,
}

_CAME = frozenset({State.DELIVERED, State.RETURNED})
_LEFT = _CAME | {State.SHIPPED}
_TAKEN = _LEFT | {State.PLACED}
_OVER = frozenset({State.REFUSED, State.CANCELLED, State.FAILED})
#: Where an answer has led already: giving it again changes nothing and is no mistake.
_THERE = {
    Step.ACKNOWLEDGE: _TAKEN,
    Step.SHIP: _LEFT,
    Step.DELIVER: _CAME,
    Step.REFUSE: _OVER,
    Step.ORDERED: _TAKEN,
    Step.NOT_YET: frozenset(),
    Step.NO: _OVER,
    Step.ARRIVED: _CAME,
}


class StepRefusedError(Exception):
    """The answer comes too late, or does not fit where the order stands; the words are for whoever gave it."""

    def __init__(self, order: Order, why: str) -> None:
        super().__init__(why)
        self.order = order


class ConflictingAnswerError(StepRefusedError):
    """The same answer was given before, about another quantity."""


def keeper_of(step: Step) -> Keeper:
    """Return who may give this answer."""
    return Keeper.SHOP if step in OF_SHOPS else Keeper.CUSTOMER


def is_there(step: Step, order: Order) -> bool:
    """Tell whether the order stands where this answer leads."""
    return order.state in _THERE[step]


def why_not(step: Step, order: Order) -> str | None:
    """Return in plain words why an answer cannot be taken any more; None where it can."""
    if is_there(step, order) or order.state in (State.PLACING, State.PLACED, State.UNKNOWN):
        return None
    if order.state is State.SHIPPED:
        return None if step in (Step.DELIVER, Step.ARRIVED) else "The order has been sent already."
    if order.state in _CAME:
        return "The order has arrived already."
    wish = order.cancellation
    if wish is not None and wish.by in ("deadline", "expired"):
        return "The time to answer is over and the order was taken back. Please do not send anything."
    return f"The order is {order.state}. Please do not send anything."
