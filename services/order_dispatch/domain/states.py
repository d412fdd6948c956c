"""The states of an order and the table of transitions; migrations/ has the same table."""

from enum import StrEnum


class State(StrEnum):
    """State of an order."""

    #: Waits for the end of its cancel window.
    DRAFTED = "drafted"
    #: Stock that is kept here is being reserved.
    RESERVING = "reserving"
    #: Its payment is being authorized.
    AUTHORIZING = "authorizing"
    #: Submitted, or about to be; the provider has not replied.
    PLACING = "placing"
    #: The provider may have the order; its status is requested.
    UNKNOWN = "unknown"
    PLACED = "placed"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    #: Delivered, then returned in part or in full.
    RETURNED = "returned"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    FAILED = "failed"


#: The pool may order again; the only transition left is delivered to returned.
CLOSED = frozenset({State.DELIVERED, State.RETURNED, State.REFUSED, State.CANCELLED, State.FAILED})
#: Closed without a delivery.
WITHOUT_GOODS = frozenset({State.REFUSED, State.CANCELLED, State.FAILED})
#: The provider cannot have the order.
NOT_SUBMITTED = frozenset({State.DRAFTED, State.RESERVING, State.AUTHORIZING})
#: The provider has the order or may have it, and the goods have not left.
SUBMITTED = frozenset({State.PLACING, State.UNKNOWN, State.PLACED})
_REACHABLE = {
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
TRANSITIONS = frozenset(
    (from_state, to_state) for from_state, reachable in _REACHABLE.items() for to_state in reachable
)


class IllegalTransitionError(ValueError):
    """The transition is not in the table."""


def check(from_state: State, to_state: State) -> None:
    if (from_state, to_state) not in TRANSITIONS:
        raise IllegalTransitionError(f"illegal transition of an order from {from_state} to {to_state}")


def states_between(from_state: State, to_state: State) -> tuple[State, ...]:
    """Return the states after `from_state` up to `to_state`; an order is delivered before it is returned."""
    is_delivered_before = to_state is State.RETURNED and from_state is State.SHIPPED
    return (State.DELIVERED, State.RETURNED) if is_delivered_before else (to_state,)
