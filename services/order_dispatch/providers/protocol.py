"""What a provider protocol consists of: the descriptor ProviderProtocol and the types of its parts.

To add a protocol, write a module or package in `providers/` that exports a ProviderProtocol as `PROTOCOL`, and add it
to `registry.py`. `kafka.py` is the smallest example of an EventTransport, `webhook.py` of an HttpTransport with
callbacks; `drs` uses AccountLinking. Only the transport is required.

The service decides when to submit, cancel or check an order; a protocol only translates. For an HttpTransport the
service calls from a task, outside a transaction, with retries, rate limit and circuit breaker. What the provider
reports, in a response or a callback, becomes an Answer and is then applied like any OrderUpdated event.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple, Protocol

from libs.http_client import Scheme
from libs.kit import Kit
from replenish_contracts.catalogue import Event
from replenish_contracts.events import OrderUpdated, ShipTo, UpdateLine, UpdateNote, UpdateStatus
from replenish_contracts.topics import Topic
from services.order_dispatch.domain.links import RemoteSlot, SlotUse
from services.order_dispatch.domain.order import Order, Responder
from services.order_dispatch.domain.provider import Provider


@dataclass(frozen=True, slots=True)
class LineSupport:
    """What a protocol can express about the single lines of an order.

    Reports of a kind that it cannot express per line apply to the whole order. Returned by GET /v1/providers.
    """

    #: Largest number of lines; an order with more is split before it is placed. None for any number.
    max_lines: int | None = None
    #: The provider can report a part of the order, or of a line, as shipped.
    part_shipments: bool = False
    #: The provider can report which lines have arrived.
    delivery_per_line: bool = False
    #: The provider can report a price of its own for each line.
    price_per_line: bool = False
    #: The provider can refuse some lines and accept the others.
    refuse_line: bool = False
    #: The provider can be requested to cancel some lines.
    cancel_line: bool = False
    #: The provider can name a substitute for a line.
    substitute_per_line: bool = False


#: A protocol of our own, whose messages have lines as our events have.
EVERY_LINE = LineSupport(
    part_shipments=True,
    delivery_per_line=True,
    price_per_line=True,
    refuse_line=True,
    cancel_line=True,
    substitute_per_line=True,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider reports about an order, in our terms; `status` is None while the provider has no result yet.

    It is about the named lines, or about all if it names none.
    """

    status: UpdateStatus | None = None
    reason: str | None = None
    expected_at: datetime | None = None
    #: The promised date, if the provider named no time.
    expected_date: date | None = None
    #: Quantity shipped, in base steps; only for an order of one line.
    quantity: int | None = None
    tracking: str | None = None
    #: The provider's id of the order.
    reference: str | None = None
    #: The product sent as a substitute.
    product_id: str | None = None
    #: Total price of the order, in minor units of `currency`.
    price: int | None = None
    currency: str | None = None
    lines: tuple[UpdateLine, ...] = ()
    #: The provider's id of the parcel.
    shipment_id: str | None = None
    #: The provider's word, of an UNCLEAR answer.
    word: str | None = None
    #: Details that are dropped, with the reason.
    notes: tuple[UpdateNote, ...] = ()
    #: Whether the provider took it as a test order, which it neither charges nor delivers; None if it does not say.
    test: bool | None = None


class Reply(Protocol):
    """HTTP response of a provider's server."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    @property
    def body(self) -> bytes: ...


class ProviderClient(Protocol):
    """HTTP client for one provider's server; `client.py` implements it."""

    @property
    def provider_id(self) -> str: ...

    @property
    def url(self) -> str: ...

    @property
    def account(self) -> Mapping[str, Any]: ...

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

    async def remote_slot(self, slot: str) -> str: ...

    async def find_reference(self, order_id: str) -> str | None:
        """Return the provider's id of one of our orders, if known."""
        ...

    async def is_reference_used(self, reference: str, order_id: str) -> bool:
        """Return whether the provider's id belongs to another of our orders."""
        ...


class OpensClient(Protocol):
    """Opens a client for one order, for protocols whose client depends on the customer."""

    async def __call__(self, order: Order, provider: Provider, kit: Kit) -> ProviderClient: ...


@dataclass(frozen=True, slots=True)
class EventTransport:
    """Requests leave as events through the outbox; each function returns the events of one request.

    The provider, or the service that mediates for it, replies with OrderUpdated events.
    """

    #: Called once per order with the delivery address (None if the protocol needs none) and the time of the decision.
    submit: Callable[[Order, Any, datetime], Sequence[Event]]
    #: Cancels the order, or those of its `lines_to_cancel`.
    cancel: Callable[[Order, datetime], Sequence[Event]]
    #: Requests the state of an order that was not answered in time.
    status: Callable[[Order, datetime], Sequence[Event]]


@dataclass(frozen=True, slots=True)
class HttpTransport:
    """Requests are calls to the provider's server.

    Each function gets a ProviderClient: an HttpProviderClient of client.py, a LinkedProviderClient if the protocol has
    `linking`, or what `open_client` returns. It may raise RetryLaterError (nothing was done; try again) or
    RejectedError (nothing was done; permanent). After any other exception the order becomes `unknown`: its status is
    requested, and it is never submitted again, unless the transport is idempotent and the provider reports that it has
    no such order.
    """

    #: Places the order: called with the order, its address (None if the protocol needs none) and the client. Sends an
    #: idempotency key if the provider supports one.
    submit: Callable[[Order, Any, Any], Awaitable[Answer]]
    #: Cancels an order which the provider may have received, or those of its `lines_to_cancel`. Idempotent.
    cancel: Callable[[Order, Any], Awaitable[Answer]]
    #: Returns the state of an order; NOT_FOUND if the provider has no order of this id.
    status: Callable[[Order, Any], Awaitable[Answer]]
    #: The provider honours our Idempotency-Key, so an order reported as not found can be submitted again.
    idempotent: bool = False
    #: Replaces the default client for the provider's URL.
    open_client: OpensClient | None = None


class CallbackSubject(NamedTuple):
    """The order that a callback refers to, by our id or by the provider's."""

    order_id: str | None = None
    reference: str | None = None


class CallbackContent(NamedTuple):
    """Content of a callback, with the sender's update id and time if present."""

    answer: Answer
    #: Without an update id, the callback's own id is used to recognize repetitions.
    update_id: str | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Callbacks:
    """Signed callbacks about orders; both functions raise UnreadableAnswerError for a body they cannot parse.

    The signature is verified before, with the secret `callback` of the provider.
    """

    subject: Callable[[bytes], CallbackSubject]
    #: Called with the order that `subject` refers to, e.g. to convert packs to base steps.
    parse: Callable[[bytes, Order], CallbackContent]
    #: Used unless the provider's account sets another.
    signature: Scheme = Scheme.STANDARD


@dataclass(frozen=True, slots=True)
class AccountLinking:
    """Customers link their devices with their accounts at the provider by OAuth; calls carry the access token.

    Every client passed to these functions is a LinkedProviderClient.
    """

    #: Raises ValueError for options of a link client that the protocol cannot use.
    check_options: Callable[[Mapping[str, Any]], None]
    #: Returns additional query parameters of the authorization page, from the client's options and the device's serial.
    authorize_extras: Callable[[Mapping[str, Any], str], dict[str, str]]
    #: Reports the level of a slot; called after a use.
    report_slot: Callable[[Any, SlotUse], Awaitable[None]]
    #: Reports when the device was last used; called daily.
    report_device: Callable[[Any, datetime], Awaitable[None]]
    #: Returns the device's slots and which of them the customer subscribed.
    fetch_subscriptions: Callable[[Any], Awaitable[Sequence[RemoteSlot]]]
    #: Deletes the registration of the device with this serial. Idempotent.
    deregister: Callable[[Any, str], Awaitable[None]]


class DeliveryFee(Protocol):
    """Returns the delivery fee for the price of an order's lines, in minor units of the currency."""

    def __call__(self, price: int, currency: str, provider: Provider) -> int: ...


def no_topics(provider_id: str) -> Sequence[Topic]:  # noqa: ARG001  # the signature of ProviderProtocol.topics
    return ()


@dataclass(frozen=True, slots=True)
class ProviderProtocol:
    """One way orders reach providers; `name` is what a provider's `protocol` refers to."""

    name: str
    transport: EventTransport | HttpTransport
    #: By default an order has one line.
    lines: LineSupport = LineSupport(max_lines=1)
    #: Topics of a provider (by its id) that must exist before the first order.
    topics: Callable[[str], Sequence[Topic]] = no_topics
    #: The provider's stock is kept in our inventory and reserved before the order is submitted.
    reserves_stock: bool = False
    #: A person, shop or customer, who must accept the order before a deadline; None if a program answers.
    responder: Responder | None = None
    #: False if the provider has the delivery address or never receives it.
    needs_address: bool = True
    linking: AccountLinking | None = None
    callbacks: Callbacks | None = None
    #: Raises ValueError for account settings that the protocol cannot use; called when a provider is saved.
    check_account: Callable[[Mapping[str, Any]], None] | None = None
    #: Returns which of the provider's terms excludes the order, or None; called before stock is reserved.
    check_terms: Callable[[Order, Provider, ShipTo | None], str | None] | None = None
    #: Returns the delivery fee of an order that is paid here.
    delivery_fee: DeliveryFee | None = None
    #: Returns the largest delivery fee in minor units with its currency, or None; for protocols with `delivery_fee`.
    find_fee: Callable[[Provider], tuple[int, str] | None] | None = None

    @property
    def puts_address_in_event(self) -> bool:
        """Whether the address must be known when the order is submitted; calls fetch it themselves."""
        return isinstance(self.transport, EventTransport) and self.needs_address

    @property
    def needs_url(self) -> bool:
        """Whether a provider must have a URL; linked protocols take it from the OAuth client instead."""
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
        expected_date=answer.expected_date,
        quantity=answer.quantity,
        reason=answer.reason,
        tracking=answer.tracking,
        product_id=answer.product_id,
        price=answer.price,
        currency=answer.currency,
        lines=answer.lines,
        shipment_id=answer.shipment_id,
        word=answer.word,
        notes=answer.notes,
    )
