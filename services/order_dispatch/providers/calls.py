"""The shape of protocols that call a provider's server: what they are given, and what they answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from libs.contracts.events import OrderUpdated, ShipTo, UpdateStatus
from libs.kit import Kit
from services.order_dispatch.domain import Order, Provider


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider's server said, in our words; without a status it has nothing to say yet."""

    status: UpdateStatus | None = None
    reason: str | None = None
    expected_at: datetime | None = None
    #: What is really shipped, in base steps.
    quantity: int | None = None
    tracking: str | None = None
    #: What the provider calls the order.
    reference: str | None = None
    #: What it sends instead of the product that was ordered.
    product_id: str | None = None
    #: What the whole order costs there, in minor units of `currency`.
    price: int | None = None
    currency: str | None = None


class Reply(Protocol):
    """What came back from a provider's server."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    @property
    def body(self) -> bytes: ...


class Line(Protocol):
    """A guarded line to one provider's server."""

    @property
    def provider_id(self) -> str: ...

    @property
    def url(self) -> str: ...

    @property
    def account(self) -> Mapping[str, Any]:
        """Return the provider's settings that only its protocol understands."""
        ...

    def secret(self, name: str) -> str | None: ...

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> Reply:
        """Return the reply.

        Raises Retry where the provider certainly did nothing; whatever else it raises means that
        nobody knows what the provider did.
        """
        ...


class LinkedLine(Line, Protocol):
    """A line on which every request carries a customer's token, to a provider that knows the customer."""

    async def remote_slot(self, slot: str) -> str:
        """Return what the provider calls a slot of ours."""
        ...

    async def recall(self, order_id: str) -> str | None:
        """Return the provider's own number of an order of ours."""
        ...

    async def is_taken(self, reference: str, order_id: str) -> bool:
        """Tell whether another order of ours has this number of the provider's."""
        ...


class OpensLine(Protocol):
    """Opens a line for one order, for protocols whose line depends on whose order it is."""

    async def __call__(self, order: Order, provider: Provider, kit: Kit) -> Line: ...


class CallingProtocol(Protocol):
    """What a file in this folder offers that calls the provider's server.

    Each function may raise Retry (nothing was done: try again later) or Refuse (nothing was done, and
    never will be). Any other failure means that nobody knows: the order becomes `unknown` and is
    asked about, never sent again. Besides these functions a file may have

    - `LINKED = True`, where customers link their devices with their accounts there: its line is a link's (linking/);
    - `open_line(order, provider, kit)`, where its line is not the usual one to the provider's url;
    - `REPEATS = True`, where its providers keep to Idempotency-Keys: an order they say they never got is asked for
      again with the same key, and is one order whatever happened to the first call;
    - `NEEDS_ADDRESS = False`, where the provider knows the customer: `ship_to` is None then;
    - `topics(provider_id)`, where it needs topics as well.
    """

    async def deliver(self, order: Order, ship_to: ShipTo | None, line: Line) -> Answer:
        """Ask for the goods, with a key that makes asking twice one order."""
        ...

    async def cancel(self, order: Order, line: Line) -> Answer:
        """Ask not to deliver an order that the provider may have; asking twice is one cancel."""
        ...

    async def status(self, order: Order, line: Line) -> Answer:
        """Ask what became of an order; NOT_FOUND where the provider has none of this id."""
        ...


class Subject(NamedTuple):
    """Which order a callback is about: by our name for it, or by the provider's."""

    order_id: str | None = None
    reference: str | None = None


class Told(NamedTuple):
    """What a callback says, and the identity and time its sender gave it, where he did."""

    answer: Answer
    update_id: str | None = None
    at: datetime | None = None


class CallingBackProtocol(Protocol):
    """What a file offers besides, with `CALLS_BACK = True`, whose providers send signed callbacks about orders."""

    def subject(self, body: bytes) -> Subject:
        """Return which order a callback is about; raises Garbled."""
        ...

    def hear(self, body: bytes, order: Order) -> Told:
        """Return what a callback says about its order; raises Garbled."""
        ...


def answer_as_update(answer: Answer, order: Order, update_id: str, at: datetime) -> OrderUpdated | None:
    """Return the answer as the provider's update; raises ValueError for one that cannot be one."""
    if answer.status is None:
        return None
    return OrderUpdated(
        provider_id=order.provider_id,
        update_id=update_id,
        order_id=order.order_id,
        status=answer.status,
        at=at,
        expected_at=answer.expected_at,
        quantity=answer.quantity,
        reason=answer.reason,
        tracking=answer.tracking,
        product_id=answer.product_id,
        price=answer.price,
        currency=answer.currency,
    )
