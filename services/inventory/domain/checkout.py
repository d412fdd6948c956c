"""States of a checkout and the allowed transitions."""

from enum import StrEnum


class State(StrEnum):
    """State of a checkout; goods are allocated to it while it is being paid and after."""

    UNPAID = "unpaid"
    #: Goods are allocated until the payment has an outcome or the time is up.
    PAYING = "paying"
    PAID = "paid"
    SHIPPED = "shipped"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class CheckoutStep(StrEnum):
    """An action on a checkout; EXPIRE is caused by time."""

    PAY = "pay"
    SUCCEED = "succeed"
    FAIL = "fail"
    SHIP = "ship"
    CANCEL = "cancel"
    EXPIRE = "expire"


TRANSITIONS: dict[CheckoutStep, dict[State, State]] = {
    CheckoutStep.PAY: {State.UNPAID: State.PAYING},
    # A late payment still buys what is available: the goods are allocated again.
    CheckoutStep.SUCCEED: {State.PAYING: State.PAID, State.UNPAID: State.PAID, State.EXPIRED: State.PAID},
    # A payment may fail after its checkout has ended; nothing changes.
    CheckoutStep.FAIL: {State.PAYING: State.UNPAID, State.EXPIRED: State.EXPIRED, State.CANCELLED: State.CANCELLED},
    CheckoutStep.SHIP: {State.PAID: State.SHIPPED},
    CheckoutStep.CANCEL: dict.fromkeys((State.UNPAID, State.PAYING, State.PAID, State.EXPIRED), State.CANCELLED),
    CheckoutStep.EXPIRE: {State.UNPAID: State.EXPIRED, State.PAYING: State.EXPIRED},
}
TARGET_STATES: dict[CheckoutStep, State] = {
    CheckoutStep.PAY: State.PAYING,
    CheckoutStep.SUCCEED: State.PAID,
    CheckoutStep.FAIL: State.UNPAID,
    CheckoutStep.SHIP: State.SHIPPED,
    CheckoutStep.CANCEL: State.CANCELLED,
    CheckoutStep.EXPIRE: State.EXPIRED,
}


def next_state(state: State, step: CheckoutStep) -> State | None:
    """Return the state after a step; the same state if it was taken before, None if it is not allowed."""
    if state is TARGET_STATES[step]:
        return state
    return TRANSITIONS[step].get(state)
