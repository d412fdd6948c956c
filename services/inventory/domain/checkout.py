"""From an unpaid order to goods that left: what may follow what."""

from enum import StrEnum


class State(StrEnum):
    """How far a checkout is; goods are kept for it while it is being paid, and once it is."""

    UNPAID = "unpaid"
    #: Its goods are kept until the outcome of the payment is told, or its time is up.
    PAYING = "paying"
    PAID = "paid"
    SHIPPED = "shipped"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Step(StrEnum):
    """What somebody, or time, does to a checkout."""

    PAY = "pay"
    SUCCEED = "succeed"
    FAIL = "fail"
    SHIP = "ship"
    CANCEL = "cancel"
    EXPIRE = "expire"


MOVES: dict[Step, dict[State, State]] = {
    Step.PAY: {State.UNPAID: State.PAYING},
    # Money that came late still buys what is there: the goods are looked for again.
    Step.SUCCEED: {State.PAYING: State.PAID, State.UNPAID: State.PAID, State.EXPIRED: State.PAID},
    # Of what ended already a payment may still fail, and changes nothing.
    Step.FAIL: {State.PAYING: State.UNPAID, State.EXPIRED: State.EXPIRED, State.CANCELLED: State.CANCELLED},
    Step.SHIP: {State.PAID: State.SHIPPED},
    Step.CANCEL: dict.fromkeys((State.UNPAID, State.PAYING, State.PAID, State.EXPIRED), State.CANCELLED),
    Step.EXPIRE: {State.UNPAID: State.EXPIRED, State.PAYING: State.EXPIRED},
}
ENDS: dict[Step, State] = {
    Step.PAY: State.PAYING,
    Step.SUCCEED: State.PAID,
    Step.FAIL: State.UNPAID,
    Step.SHIP: State.SHIPPED,
    Step.CANCEL: State.CANCELLED,
    Step.EXPIRE: State.EXPIRED,
}


def moves(state: State, step: Step) -> State | None:
    """Return the state after this step, the same one where it was taken before, None where it may not be taken."""
    if state is ENDS[step]:
        return state
    return MOVES[step].get(state)
