"""The states of an order and the only table of transitions between them; migrations/ has the same table."""

from enum import StrEnum


class State(StrEnum):
    """Where an order stands."""

    #: Nobody outside has been asked yet.
    DRAFTED = "drafted"
    #: Its goods are being set aside in the provider's stock, which we keep.
    RESERVING = "reserving"
    #: Its payment is being authorized.
    AUTHORIZING = "authorizing"
    #: The provider was asked and has not answered.
    PLACING = "placing"
    #: The provider has been silent for too long; it is asked what became of the order.
    UNKNOWN = "unknown"
    PLACED = "placed"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    #: It came, and some or all of it went back.
    RETURNED = "returned"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    FAILED = "failed"


#: States in which an order does not hold its pool any more; all that may still happen is that goods go back.
CLOSED = frozenset({State.DELIVERED, State.RETURNED, State.REFUSED, State.CANCELLED, State.FAILED})
#: Ends without goods.
WITHOUT_GOODS = frozenset({State.REFUSED, State.CANCELLED, State.FAILED})
#: The provider has not been asked yet.
NOT_SUBMITTED = frozenset({State.DRAFTED, State.RESERVING, State.AUTHORIZING})
#: The provider has the order, or may have it, and the goods have not left.
SUBMITTED = frozenset({State.PLACING, State.UNKNOWN, State.PLACED})
_LEADS_TO = {
    State.DRAFTED: (
        *(State.RESERVING, State.AUTHORIZING, State.PLACING),
        *(State.REFUSED, State.CANCELLED, State.FAILED),
    ),
    State.RESERVING: (State.AUTHORIZING, State.PLACING, State.REFUSED, State.CANCELLED, State.FAILED),
    State.AUTHORIZING: (State.PLACING, State.CANCELLED, State.FAILED),
    State.PLACING: (State.PLACED, State.UNKNOWN, State.REFUSED, State.CANCELLED, State.FAILED),
    State.UNKNOWN: (State.PLACED, State.REFUSED, State.CANCELLED, State.FAILED),
    State.PLACED: (State.SHIPPED, State.CANCELLED),
    State.SHIPPED: (State.DELIVERED,),
    State.DELIVERED: (State.RETURNED,),
}
TRANSITIONS = frozenset((from_state, to_state) for from_state, reachable in _LEADS_TO.items() for to_state in reachable)
#: The way goods take; a later stop implies the ones before it.
_GOODS_PATH = (State.PLACED, State.SHIPPED, State.DELIVERED)


class IllegalTransitionError(ValueError):
    """Somebody tried a move that is not in the table."""


def check(from_state: State, to_state: State) -> None:
    """Raise IllegalTransitionError unless the table has this move."""
    if (from_state, to_state) not in TRANSITIONS:
        raise IllegalTransitionError(f"an order does not go from {from_state} to {to_state}")


def stops_between(from_state: State, to_state: State) -> tuple[State, ...]:
    """Return the stops from `from_state` to `to_state` on the goods' way, the skipped ones included.

    Empty where the order is already to_state or further.
    """
    passed = _GOODS_PATH.index(from_state) + 1 if from_state in _GOODS_PATH else 0
    return _GOODS_PATH[passed : _GOODS_PATH.index(to_state) + 1]
