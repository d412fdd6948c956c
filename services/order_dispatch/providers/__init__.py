"""Registry of provider protocols: one module per protocol, named after it.

`CALLS` selects the interface. A module with `CALLS = True` implements CallingProtocol: `deliver`, `cancel` and
`status` call the provider's server and return its Answer. Any other module implements ProviderProtocol: the same
functions return request events, which leave through the outbox.

Optional attributes: `RESERVES` (the provider's stock is kept here and reserved before the order is placed), `KEEPER`
(a person must answer before a deadline) and `objection` (the provider's terms, checked before the order is placed).
"""

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from types import ModuleType
from typing import Any, Protocol, cast

from replenish_contracts.catalogue import Event
from replenish_contracts.events import ShipTo
from replenish_contracts.topics import Topic
from services.order_dispatch.domain import Ask, Order, Provider, Turn, Way
from services.order_dispatch.outward import Scheme, scheme_of
from services.order_dispatch.providers.calls import (
    Answer,
    CallingBackProtocol,
    CallingProtocol,
    Line,
    LinkedLine,
    OpensLine,
    Reply,
    Subject,
    Told,
    answer_as_update,
)

__all__ = [
    "Answer",
    "CallingBackProtocol",
    "CallingProtocol",
    "Line",
    "LinkedLine",
    "OpensLine",
    "ProviderProtocol",
    "Reply",
    "Subject",
    "Told",
    "answer_as_update",
    "calling",
    "calling_back",
    "check_account",
    "has_terms",
    "is_linked",
    "needs_address",
    "needs_url",
    "objection",
    "opener",
    "protocol",
    "protocols",
    "repeats",
    "signature_of",
    "topics_of",
    "way_to",
    "words",
]
#: Modules of this package that are not protocols.
_SHAPES = frozenset({"calls"})


class ProviderProtocol(Protocol):
    """Interface of a protocol module that sends its requests as events."""

    def topics(self, provider_id: str) -> Sequence[Topic]:
        """Return the topics that must exist before the first order."""
        ...

    def deliver(self, order: Order, ship_to: ShipTo | None, at: datetime) -> Sequence[Event]:
        """Return the events that place an order; called once per order."""
        ...

    def cancel(self, order: Order, at: datetime) -> Sequence[Event]:
        """Return the events that cancel an order which the provider may have received."""
        ...

    def status(self, order: Order, at: datetime) -> Sequence[Event]:
        """Return the events that request the status of an order."""
        ...


def protocols() -> frozenset[str]:
    return _protocols_in(*__path__)


@cache
def _protocols_in(*folders: str) -> frozenset[str]:
    return frozenset(module.name for module in pkgutil.iter_modules(folders)) - _SHAPES


def _module(name: str) -> ModuleType:
    if name not in protocols():
        raise LookupError(f"there is no protocol {name}; known: {', '.join(sorted(protocols()))}")
    return importlib.import_module(f"{__name__}.{name}")


def protocol(name: str) -> ProviderProtocol:
    """Import a protocol by name. Raises LookupError for a name that is not in this package."""
    return cast("ProviderProtocol", _module(name))


def calling(name: str) -> CallingProtocol:
    """Raises LookupError for a protocol that does not call the provider's server."""
    module = _module(name)
    if not getattr(module, "CALLS", False):
        raise LookupError(f"{name} does not call its providers")
    return cast("CallingProtocol", module)


def calling_back(name: str) -> CallingBackProtocol:
    """Raises LookupError for a protocol without callbacks."""
    module = _module(name)
    if not getattr(module, "CALLS_BACK", False):
        raise LookupError(f"{name} has no callbacks")
    return cast("CallingBackProtocol", module)


def signature_of(provider: Provider) -> Scheme:
    """Return the signature scheme of a provider's callbacks: its account's, else its protocol's default.

    Raises ValueError for an unknown scheme.
    """
    return scheme_of(provider.account, getattr(_module(provider.protocol), "SIGNATURE", Scheme.STANDARD))


def repeats(name: str) -> bool:
    """Whether a repeated submit is safe because providers honour our Idempotency-Key."""
    return bool(getattr(_module(name), "REPEATS", False))


def way_to(provider: Provider) -> Way:
    """Return the steps that an order from this provider goes through."""
    module = _module(provider.protocol)
    return Way(
        reserves=getattr(module, "RESERVES", False),
        pays=provider.payment is not None,
        calls=getattr(module, "CALLS", False),
        keeper=getattr(module, "KEEPER", None),
    )


def topics_of(name: str, provider_id: str) -> Sequence[Topic]:
    topics = getattr(_module(name), "topics", None)
    return topics(provider_id) if topics else ()


def opener(name: str) -> OpensLine | None:
    """Return the protocol's own `open_line`, if it replaces the default client."""
    return cast("OpensLine | None", getattr(_module(name), "open_line", None))


def is_linked(name: str) -> bool:
    """Whether calls carry the access token of a linked customer account."""
    return bool(getattr(_module(name), "LINKED", False))


def needs_url(name: str) -> bool:
    """Whether a provider of this protocol must have a URL; linked protocols take it from the OAuth client."""
    return getattr(_module(name), "CALLS", False) and opener(name) is None and not is_linked(name)


def needs_address(name: str) -> bool:
    """Whether requests contain the delivery address; linked providers have it already."""
    return getattr(_module(name), "NEEDS_ADDRESS", True)


def has_terms(name: str) -> bool:
    return hasattr(_module(name), "objection")


def objection(order: Order, provider: Provider, ship_to: ShipTo | None) -> str | None:
    """Return which of the provider's terms excludes the order, or None."""
    check = getattr(_module(provider.protocol), "objection", None)
    return cast("str | None", check(order, provider, ship_to)) if check else None


def check_account(name: str, account: Mapping[str, Any]) -> None:
    """Raise ValueError if the protocol cannot work with these account settings."""
    check = getattr(_module(name), "check_account", None)
    if check:
        check(account)


def words(turn: Turn, protocol_name: str, at: datetime, ship_to: ShipTo | None = None) -> list[Event]:
    """Return the events of a decision, then its requests translated by the protocol.

    Raises ValueError for a delivery without the address that the protocol needs.
    """
    translator = protocol(protocol_name)
    events = list(turn.events)
    for ask in turn.asks:
        if ask is Ask.CANCEL:
            events += translator.cancel(turn.order, at)
        elif ask is Ask.STATUS:
            events += translator.status(turn.order, at)
        elif ship_to is not None or not needs_address(protocol_name):
            events += translator.deliver(turn.order, ship_to, at)
        else:
            raise ValueError(f"order {turn.order.order_id} cannot be placed without an address")
    return events
