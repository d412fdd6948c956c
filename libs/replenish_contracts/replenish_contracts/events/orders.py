"""The life cycle of an order, published by order_dispatch."""

from datetime import date
from enum import StrEnum

from replenish_contracts.catalogue import Event, Id, Moment, Steps, Text, published_by
from replenish_contracts.events.lines import Line, OrderLine, Packs
from replenish_contracts.events.offers import Currency, Money


class Evidence(StrEnum):
    """Why an order counts as delivered: it was reported, or its expected date passed."""

    REPORTED = "reported"
    ESTIMATED = "estimated"


class Fault(StrEnum):
    """Why an order failed; only for `provider` is another provider worth trying."""

    PROVIDER = "provider"
    PAYMENT = "payment"
    #: The payment could not be processed, and the customer's payment method is not the cause.
    BILLING = "billing"
    FRAUD = "fraud"
    ADDRESS = "address"


class OrderReference(Event):
    """The order that an event is about; `product_id` and `pool_id` are those of its first line."""

    order_id: Id
    customer_id: Id
    product_id: Id
    pool_id: Id
    provider_id: Id
    occurred_at: Moment
    #: A test order: it goes through every step, without money or goods.
    test: bool = False


class OrderFact(OrderReference):
    """Fields of every event about an order or some of its lines.

    Fields outside `lines` that name a product, slot, quantity or number of packs are those of the first of `lines`.
    """

    #: The lines that the event is about. Empty in events from before orders had lines; `lines_of` reads both.
    lines: tuple[Line, ...] = ()


@published_by("order_dispatch", topic="orders", key="customer_id")
class OrderDrafted(OrderFact):
    """An order was created; the provider has not been contacted yet."""

    lines: tuple[OrderLine, ...] = ()
    packs: Packs
    quantity: Steps
    #: Agreed price of all lines and the fee, in minor units of `currency`.
    price: Money | None = None
    currency: Currency | None = None
    #: Delivery fee, which is part of the price.
    fee: Money | None = None


@published_by("order_dispatch", topic="orders", key="customer_id")
class OrderPlaced(OrderFact):
    """The provider accepted the order; lines that it refused have an event of their own."""

    lines: tuple[OrderLine, ...] = ()
    packs: Packs
    quantity: Steps
    #: If the provider promised a date without a time, the end of `expected_date` where the customer lives.
    expected_at: Moment | None = None
    #: The promised date; to be shown as it is, in every time zone.
    expected_date: date | None = None


@published_by("order_dispatch", topic="orders", key="customer_id")
class OrderRefused(OrderFact):
    """The provider refused the order, which ended without goods."""

    reason: Text


@published_by("order_dispatch", topic="orders", key="customer_id")
class OrderLinesRefused(OrderFact):
    """The provider refused some lines of an order; the others go on, or ended before."""

    reason: Text
    #: No line of the order is open any more.
    complete: bool = False


@published_by("order_dispatch", topic="orders", key="customer_id")
class OrderUnknown(OrderFact):
    """It is unclear whether the provider has this order; its status is queried, and it is never sent again."""

    reason: Text


@published_by("order_dispatch", topic="orders", key="customer_id")
class OrderShipped(OrderFact):
    """Goods of these lines left the provider, in one parcel; the quantities are what left with it."""

    quantity: Steps
    #: Id of the parcel: the provider's, or ours if it named none and shipped a part of a line.
    shipment_id: Id | None = None
    #: Nothing of the order is to leave any more.
    complete: bool = True
    expected_at: Moment | None = None
    #: As in OrderPlaced.
    expected_date: date | None = None
    tracking: Text | None = None
    #: Lines whose shipped quantity the provider reported unclearly; the ordered quantity counts.
    unclear_line_ids: tuple[Id, ...] | None = None


@published_by("order_dispatch", topic="orders", key="customer_id")
class OrderDelivered(OrderFact):
    """These lines reached the customer; each is credited once, by the first evidence."""

    #: No line of the order is open any more.
    complete: bool = True
    device_id: Id
    slot: Id
    quantity: Steps
    evidence: Evidence
    #: When the goods arrived, if reported; `occurred_at` is when the report was received.
    delivered_at: Moment | None = None
    #: As in OrderShipped.
    unclear_line_ids: tuple[Id, ...] | None = None
    #: The agreed price and the price the provider charges, both in `currency`.
    price: Money | None = None
    billed: Money | None = None
    currency: Currency | None = None


@published_by("order_dispatch", topic="orders", key="customer_id")
class OrderCancelled(OrderFact):
    """The order was cancelled and ended without goods; `by` is who cancelled it."""

    by: Id
    reason: Text


@published_by("order_dispatch", topic="orders", key="customer_id")
class OrderLinesCancelled(OrderFact):
    """Some lines of an order were cancelled, by `by`; the others go on."""

    by: Id
    reason: Text
    #: No line of the order is open any more.
    complete: bool = False


@published_by("order_dispatch", topic="orders", key="customer_id")
class OrderFailed(OrderFact):
    """The order could not be completed and ended without goods."""

    reason: Text
    fault: Fault = Fault.PROVIDER
