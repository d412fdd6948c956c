"""Interfaces of protocols that call a provider's server: clients, answers and callbacks."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from libs.kit import Kit
from replenish_contracts.events import OrderUpdated, ShipTo, UpdateStatus
from services.order_dispatch.domain import Order, Provider


@dataclass(frozen=True, slots=True)
class Answer:
    """A provider's answer in our terms; `status` is None while the provider has no result yet."""

    status: UpdateStatus | None = None
    reason: str | None = None
    expected_at: datetime | None = None
    #: Quantity shipped, in base steps.
    quantity: int | None = None
    tracking: str | None = None
    #: The provider's id of the order.
    reference: str | None = None
    #: The product sent as a substitute.
    product_id: str | None = None
    #: Total price of the order, in minor units of `currency`.
    price: int | None = None
    currency: str | None = None


class Reply(Protocol):
    """HTTP response of a provider's server."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    @property
    def body(self) -> bytes: ...


class Line(Protocol):
    """HTTP client for one provider's server."""

    @property
    def provider_id(self) -> str: ...

    @property
    def url(self) -> str: ...

    @property
    def account(self) -> Mapping[str, Any]:
        """Protocol-specific settings of the provider."""
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
        """Send a request and return the response.

        Raises RetryLaterError only if the provider certainly did nothing. After any other exception the result is
        ambiguous.
        """
        ...


class LinkedLine(Line, Protocol):
    """Client whose requests carry the access token of a linked customer account."""

    async def remote_slot(self, slot: str) -> str:
        """Return the provider's name of one of our slots."""
        ...

    async def recall(self, order_id: str) -> str | None:
        """Return the provider's id of one of our orders, if known."""
        ...

    async def is_taken(self, reference: str, order_id: str) -> bool:
        """Whether the provider's id belongs to another of our orders."""
        ...


class OpensLine(Protocol):
    """Opens a client for one order, for protocols whose client depends on the customer."""

    async def __call__(self, order: Order, provider: Provider, kit: Kit) -> Line: ...


class CallingProtocol(Protocol):
    """Interface of a protocol module that calls the provider's server.

    Each function may raise RetryLaterError (nothing was done; try again later) or Refuse (nothing was done;
    permanent). After
    any other exception the order becomes `unknown`: its status is requested, and it is never submitted again.
    Optional attributes:

    - `LINKED = True`: customers link their devices with their accounts at the provider; the client comes from linking/;
    - `open_line(order, provider, kit)`: replaces the default client for the provider's URL;
    - `REPEATS = True`: providers honour our Idempotency-Key. An order reported as not found is submitted again with
      the same key, which is safe even if the first call did arrive;
    - `NEEDS_ADDRESS = False`: the provider has the address; `ship_to` is None;
    - `topics(provider_id)`: topics that the protocol needs in addition.
    """

    async def deliver(self, order: Order, ship_to: ShipTo | None, line: Line) -> Answer:
        """Place the order, with an idempotency key so that a repetition places no second one."""
        ...

    async def cancel(self, order: Order, line: Line) -> Answer:
        """Cancel an order which the provider may have received. Idempotent."""
        ...

    async def status(self, order: Order, line: Line) -> Answer:
        """Return the state of an order; NOT_FOUND if the provider has no order of this id."""
        ...


class Subject(NamedTuple):
    """The order that a callback refers to, by our id or by the provider's."""

    order_id: str | None = None
    reference: str | None = None


class Told(NamedTuple):
    """Content of a callback, with the sender's update id and time if present."""

    answer: Answer
    update_id: str | None = None
    occurred_at: datetime | None = None


class CallingBackProtocol(Protocol):
    """Additional interface of a module with `CALLS_BACK = True`: its providers send signed callbacks about orders."""

    def subject(self, body: bytes) -> Subject:
        """Return the order that a callback refers to. Raises Garbled."""
        ...

    def hear(self, body: bytes, order: Order) -> Told:
        """Parse a callback for its order. Raises Garbled."""
        ...


def answer_as_update(answer: Answer, order: Order, update_id: str, at: datetime) -> OrderUpdated | None:
    """Return the answer as an OrderUpdated, or None without a status. Raises ValueError for invalid values."""
    if answer.status is None:
        return None
    return OrderUpdated(
        provider_id=order.provider_id,
        update_id=update_id,
        order_id=order.order_id,
        status=answer.status,
        occurred_at=at,
        expected_at=answer.expected_at,
        quantity=answer.quantity,
        reason=answer.reason,
        tracking=answer.tracking,
        product_id=answer.product_id,
        price=answer.price,
        currency=answer.currency,
    )
