"""The door to whoever takes customers' money; orders know no more of it than this."""

from collections.abc import Sequence
from typing import Protocol

from replenish_contracts.catalogue import Event
from replenish_contracts.events import PaymentFailed
from services.order_dispatch.domain import Due, Move, Order, Turn, lose
from services.order_dispatch.store import Store


class Till(Protocol):
    """Payments, as an order sees them; each function intends what is to be done and returns what it says.

    All are called with the order's row locked. A refund is asked once per reason; the others may come twice.
    """

    def services(self) -> frozenset[str]:
        """Return the names a provider's `payment` may have."""
        ...

    async def begin(self, order: Order, store: Store) -> Sequence[Event]:
        """Have the order's price authorized; acting's on_authorized or on_payment_failed is called in the end."""
        ...

    async def capture(self, order: Order, amount: int, store: Store) -> Sequence[Event]:
        """Take this much, because the goods left."""
        ...

    async def void(self, order: Order, store: Store) -> Sequence[Event]:
        """Take nothing; let go of what is authorized or will be."""
        ...

    async def refund(self, order: Order, amount: int, store: Store) -> Sequence[Event]:
        """Give this much back."""
        ...


_TILLS: list[Till] = []


def use_till(till: Till) -> None:
    """Let orders be paid here; called once, by the service's table of contents."""
    _TILLS[:] = [till]


def payment_services() -> frozenset[str]:
    """Return the names a provider's `payment` may have."""
    return frozenset[str]().union(*(till.services() for till in _TILLS))


async def settle(dues: Sequence[Due], order: Order, store: Store) -> list[Event]:
    """Pass on what a decision means for the order's money."""
    events: list[Event] = []
    for till in _TILLS:
        for due in dues:
            events += await _pass_on(till, due, order, store)
    return events


async def _pass_on(till: Till, due: Due, order: Order, store: Store) -> Sequence[Event]:
    if due.move is Move.BEGIN:
        return await till.begin(order, store)
    if due.move is Move.CAPTURE:
        events = await till.capture(order, due.amount, store)
        for failed in events:
            if isinstance(failed, PaymentFailed):  # nothing is left to take: known at once, and told to nobody else
                await store.save_turn(Turn(lose(order, failed.reason)))
        return events
    if due.move is Move.REFUND:
        return await till.refund(order, due.amount, store)
    return await till.void(order, store)
