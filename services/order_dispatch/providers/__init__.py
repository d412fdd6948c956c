"""Ways to order: one protocol, one file; the module's name is the name of the protocol.

A file says with `CALLS` which of two shapes it has. One that calls has `deliver`, `cancel` and `status`
that ask the provider's server and return its Answer (CallingProtocol); any other returns what it asks as
events, which leave through the outbox (ProviderProtocol). `RESERVES` says that the provider's stock is
kept here, so that goods are set aside before it is asked; `KEEPER` that a person is asked who has until a
deadline to answer; `objection` what in the provider's terms rules an order out before anybody is asked.
"""

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from types import ModuleType
from typing import Any, Protocol, cast

from libs.contracts.catalogue import Event
from libs.contracts.events import ShipTo
from libs.contracts.topics import Topic
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
#: In this folder, and no protocols.
_SHAPES = frozenset({"calls"})


class ProviderProtocol(Protocol):
    """What a file in this folder offers that asks by events: our questions in the words of its protocol."""

    def topics(self, provider_id: str) -> Sequence[Topic]:
        """Return the topics that must exist before the first order."""
        ...

    def deliver(self, order: Order, ship_to: ShipTo | None, at: datetime) -> Sequence[Event]:
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
    return _protocols_in(*__path__)


@cache
def _protocols_in(*folders: str) -> frozenset[str]:
    return frozenset(module.name for module in pkgutil.iter_modules(folders)) - _SHAPES


def _module(name: str) -> ModuleType:
    if name not in protocols():
        raise LookupError(f"there is no protocol {name}; known: {', '.join(sorted(protocols()))}")
    return importlib.import_module(f"{__name__}.{name}")


def protocol(name: str) -> ProviderProtocol:
    """Return a protocol by name; names from outside never import anything else. Raises LookupError."""
    return cast("ProviderProtocol", _module(name))


def calling(name: str) -> CallingProtocol:
    """Return a protocol that calls the provider; raises LookupError for any other."""
    module = _module(name)
    if not getattr(module, "CALLS", False):
        raise LookupError(f"{name} calls nobody")
    return cast("CallingProtocol", module)


def calling_back(name: str) -> CallingBackProtocol:
    """Return a protocol whose providers call back; raises LookupError for any other."""
    module = _module(name)
    if not getattr(module, "CALLS_BACK", False):
        raise LookupError(f"{name} has no callbacks")
    return cast("CallingBackProtocol", module)


def signature_of(provider: Provider) -> Scheme:
    """Return how a provider signs its callbacks: as its account says, else as its protocol does.

    Raises ValueError for a way that nobody knows.
    """
    return scheme_of(provider.account, getattr(_module(provider.protocol), "SIGNATURE", Scheme.STANDARD))


def repeats(name: str) -> bool:
    """Tell whether asking twice for an order is one order, because providers keep to its Idempotency-Key."""
    return bool(getattr(_module(name), "REPEATS", False))


def way_to(provider: Provider) -> Way:
    """Return what ordering from this provider needs before and when it is asked."""
    module = _module(provider.protocol)
    return Way(
        reserves=getattr(module, "RESERVES", False),
        pays=provider.payment is not None,
        calls=getattr(module, "CALLS", False),
        keeper=getattr(module, "KEEPER", None),
    )


def topics_of(name: str, provider_id: str) -> Sequence[Topic]:
    """Return the topics a provider of this protocol needs; one that is only called may need none."""
    topics = getattr(_module(name), "topics", None)
    return topics(provider_id) if topics else ()


def opener(name: str) -> OpensLine | None:
    """Return the protocol's own way to open a line, where it has one."""
    return cast("OpensLine | None", getattr(_module(name), "open_line", None))


def is_linked(name: str) -> bool:
    """Tell whether its providers know the customer: every call carries the token of a link."""
    return bool(getattr(_module(name), "LINKED", False))


def needs_url(name: str) -> bool:
    """Tell whether a provider of this protocol must say where it is called; a link's client says it itself."""
    return getattr(_module(name), "CALLS", False) and opener(name) is None and not is_linked(name)


def needs_address(name: str) -> bool:
    """Tell whether this protocol passes on where the goods go; a provider that knows the customer need not be told."""
    return getattr(_module(name), "NEEDS_ADDRESS", True)


def has_terms(name: str) -> bool:
    """Tell whether its providers state terms that an order is held against before anybody is asked."""
    return hasattr(_module(name), "objection")


def objection(order: Order, provider: Provider, ship_to: ShipTo | None) -> str | None:
    """Return what in a provider's own terms rules an order out, by name; None where nothing does."""
    judges = getattr(_module(provider.protocol), "objection", None)
    return cast("str | None", judges(order, provider, ship_to)) if judges else None


def check_account(name: str, account: Mapping[str, Any]) -> None:
    """Raise ValueError with a reason where a provider's account is nothing its protocol can work with."""
    check = getattr(_module(name), "check_account", None)
    if check:
        check(account)


def words(turn: Turn, protocol_name: str, at: datetime, ship_to: ShipTo | None = None) -> list[Event]:
    """Return everything a decision says: its own events, then its questions in the protocol's words."""
    speaks = protocol(protocol_name)
    said = list(turn.events)
    for ask in turn.asks:
        if ask is Ask.CANCEL:
            said += speaks.cancel(turn.order, at)
        elif ask is Ask.STATUS:
            said += speaks.status(turn.order, at)
        elif ship_to is not None or not needs_address(protocol_name):
            said += speaks.deliver(turn.order, ship_to, at)
        else:
            raise ValueError(f"order {turn.order.order_id} cannot be asked for without an address")
    return said
