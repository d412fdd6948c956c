"""Ways to order: one protocol, one file; the module's name is the name of the protocol."""

import importlib
import pkgutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, cast

from libs.contracts.catalogue import Event
from libs.contracts.events import ShipTo, UpdateStatus
from libs.contracts.topics import Topic
from services.order_dispatch.domain import Ask, Order, Turn


@dataclass(frozen=True, slots=True)
class Answer:
    """What a called provider said to a question of ours; without a status there is nothing to say yet."""

    status: UpdateStatus | None
    reason: str | None = None
    expected_at: datetime | None = None
    quantity: int | None = None
    tracking: str | None = None
    #: The provider's own number of the order.
    reference: str | None = None


class ProviderProtocol(Protocol):
    """What a file in this folder offers: our questions in the words of its protocol.

    Everything asked of a provider is returned as events and leaves through the outbox.
    """

    def topics(self, provider_id: str) -> Sequence[Topic]:
        """Return the topics that must exist before the first order."""
        ...

    def deliver(self, order: Order, ship_to: ShipTo, at: datetime) -> Sequence[Event]:
        """Ask for the goods; said once per order."""
        ...

    def cancel(self, order: Order, at: datetime) -> Sequence[Event]:
        """Ask not to deliver an order that the provider may have."""
        ...

    def status(self, order: Order, at: datetime) -> Sequence[Event]:
        """Ask what became of an order."""
        ...


def protocols() -> frozenset[str]:
    """Return the names of all protocols there are files for."""
    return frozenset(module.name for module in pkgutil.iter_modules(__path__))


def protocol(name: str) -> ProviderProtocol:
    """Return a protocol by name; names from outside never import anything else. Raises LookupError."""
    if name not in protocols():
        raise LookupError(f"there is no protocol {name}; known: {', '.join(sorted(protocols()))}")
    return cast("ProviderProtocol", importlib.import_module(f"{__name__}.{name}"))


def words(turn: Turn, protocol_name: str, at: datetime, ship_to: ShipTo | None = None) -> list[Event]:
    """Return everything a decision says: its own events, then its questions, where the protocol asks by events."""
    speaks = protocol(protocol_name)
    said = list(turn.events)
    if getattr(speaks, "CALLS", False):
        return said
    for ask in turn.asks:
        if ask is Ask.CANCEL:
            said += speaks.cancel(turn.order, at)
        elif ask is Ask.STATUS:
            said += speaks.status(turn.order, at)
        elif ship_to is not None:
            said += speaks.deliver(turn.order, ship_to, at)
        else:
            raise ValueError(f"order {turn.order.order_id} cannot be asked for without an address")
    return said
