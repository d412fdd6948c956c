"""The states of an order and the one table of moves between them; migrations/ has the same table."""

from enum import StrEnum


class State(StrEnum):
    """Where an order stands."""

    #: Nobody outside has been asked yet.
    DRAFTED = "drafted"
    #: The provider was asked and has not answered.
    PLACING = "placing"
    #: The provider has been silent for too long; it is asked what became of the order.
    UNKNOWN = "unknown"
    PLACED = "placed"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    FAILED = "failed"


#: States nothing leads out of.
CLOSED = frozenset({State.DELIVERED, State.REFUSED, State.CANCELLED, State.FAILED})

_LEADS_TO = {
    State.DRAFTED: (State.PLACING, State.CANCELLED, State.FAILED),
    State.PLACING: (State.PLACED, State.UNKNOWN, State.REFUSED, State.CANCELLED),
    State.UNKNOWN: (State.PLACED, State.REFUSED, State.CANCELLED, State.FAILED),
    State.PLACED: (State.SHIPPED, State.CANCELLED),
    State.SHIPPED: (State.DELIVERED,),
}

TRANSITIONS = frozenset((here, there) for here, reachable in _LEADS_TO.items() for there in reachable)

#: The way goods take; a later stop implies the ones before it.
_ROAD = (State.PLACED, State.SHIPPED, State.DELIVERED)


class IllegalTransition(ValueError):  # noqa: N818  # what happened, as everywhere in this project
    """Somebody tried a move that is not in the table."""


def check(here: State, there: State) -> None:
    """Raise IllegalTransition unless the table has this move."""
    if (here, there) not in TRANSITIONS:
        raise IllegalTransition(f"an order does not go from {here} to {there}")


def road(here: State, there: State) -> tuple[State, ...]:
    """Return the stops from `here` to `there` on the goods' way, the skipped ones included.

    Empty where the order is already there or further.
    """
    passed = _ROAD.index(here) + 1 if here in _ROAD else 0
    return _ROAD[passed : _ROAD.index(there) + 1]
