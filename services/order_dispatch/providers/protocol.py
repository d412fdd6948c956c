"""What a provider protocol consists of: one frozen descriptor, its transport, and the types that they exchange.

A protocol is one module or package of `providers/` that exports its descriptor as `PROTOCOL`; `registry.py` lists all.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from libs.http_client import Scheme
from libs.kit import Kit
from replenish_contracts.catalogue import Event
from replenish_contracts.events import OrderUpdated, ShipTo, UpdateStatus
from replenish_contracts.topics import Topic
from services.order_dispatch.domain.links import RemoteSlot, SlotUse
from services.order_dispatch.domain.order import Order, Responder
from services.order_dispatch.domain.provider import Provider


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


class ProviderClient(Protocol):
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


class LinkedProviderClient(ProviderClient, Protocol):
    """Client whose requests carry the access token of a linked customer account."""

    async def remote_slot(self, slot: str) -> str:
        """Return the provider's name of one of our slots."""
        ...

    async def recall(self, order_id: str) -> str | None:
        """Return the provider's id of one of our orders, if known."""
        ...

    async def is_reference_used(self, reference: str, order_id: str) -> bool:
        """Whether the provider's id belongs to another of our orders."""
        ...


class OpensClient(Protocol):
    """Opens a client for one order, for protocols whose client depends on the customer."""

    async def __call__(self, order: Order, provider: Provider, kit: Kit) -> ProviderClient: ...


class CallbackSubject(NamedTuple):
    """The order that a callback refers to, by our id or by the provider's."""

    order_id: str | None = None
    reference: str | None = None


class CallbackContent(NamedTuple):
    """Content of a callback, with the sender's update id and time if present."""

    answer: Answer
    update_id: str | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class EventTransport:
    """Requests leave as events through the outbox; each function returns the events of one request."""

    #: Called once per order with the delivery address (None if the protocol needs none) and the time of the decision.
    submit: Callable[[Order, Any, datetime], Sequence[Event]]
    cancel: Callable[[Order, datetime], Sequence[Event]]
    status: Callable[[Order, datetime], Sequence[Event]]


@dataclass(frozen=True, slots=True)
class HttpTransport:
    """Requests are calls to the provider's server.

    Each function may raise RetryLaterError (nothing was done; try again) or RejectedError (nothing was done;
    permanent). After any other exception the order becomes `unknown`: its status is requested, and it is never
    submitted again, unless the transport is idempotent and the provider reports that it has no such order.
    """

    #: Places the order, with an idempotency key so that a repetition places no second one.
    submit: Callable[[Order, Any, Any], Awaitable[Answer]]
    #: Cancels an order which the provider may have received. Idempotent.
    cancel: Callable[[Order, Any], Awaitable[Answer]]
    #: Returns the state of an order; NOT_FOUND if the provider has no order of this id.
    status: Callable[[Order, Any], Awaitable[Answer]]
    #: Providers honour our Idempotency-Key, so an order reported as not found can be submitted again.
    idempotent: bool = False
    #: Replaces the default client for the provider's URL.
    open_client: OpensClient | None = None


@dataclass(frozen=True, slots=True)
class Callbacks:
    """Signed callbacks about orders; both functions raise UnreadableAnswerError for a body they cannot parse."""

    subject: Callable[[bytes], CallbackSubject]
    parse: Callable[[bytes, Order], CallbackContent]
    #: Used unless the provider's account names another.
    signature: Scheme = Scheme.STANDARD


@dataclass(frozen=True, slots=True)
class AccountLinking:
    """Customers link their devices with their accounts at the provider; calls carry the customer's access token."""

    #: Raises ValueError for options of a link client that the protocol cannot use.
    check_options: Callable[[Mapping[str, Any]], None]
    #: Returns additional query parameters of the authorization page, from the client's options and the device's serial.
    authorize_extras: Callable[[Mapping[str, Any], str], dict[str, str]]
    report_slot: Callable[[Any, SlotUse], Awaitable[None]]
    report_device: Callable[[Any, datetime], Awaitable[None]]
    fetch_subscriptions: Callable[[Any], Awaitable[Sequence[RemoteSlot]]]
    deregister: Callable[[Any, str], Awaitable[None]]


def no_topics(provider_id: str) -> Sequence[Topic]:  # noqa: ARG001  # the signature of ProviderProtocol.topics
    return ()


@dataclass(frozen=True, slots=True)
class ProviderProtocol:
    """One way orders reach providers."""

    name: str
    transport: EventTransport | HttpTransport
    #: Topics that must exist before the first order.
    topics: Callable[[str], Sequence[Topic]] = no_topics
    #: The provider's stock is kept here and reserved before the order is submitted.
    reserves_stock: bool = False
    #: A person who must accept the order before a deadline.
    responder: Responder | None = None
    #: False if the provider has the delivery address or never receives it.
    needs_address: bool = True
    linking: AccountLinking | None = None
    callbacks: Callbacks | None = None
    #: Raises ValueError for account settings that the protocol cannot use.
    check_account: Callable[[Mapping[str, Any]], None] | None = None
    #: Returns which of the provider's terms excludes the order, or None; called before stock is reserved.
    check_terms: Callable[[Order, Provider, ShipTo | None], str | None] | None = None

    @property
    def needs_url(self) -> bool:
        """Linked protocols take the URL from the OAuth client instead."""
        return isinstance(self.transport, HttpTransport) and self.transport.open_client is None and not self.linking


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
