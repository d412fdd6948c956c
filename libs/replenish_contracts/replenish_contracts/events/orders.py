"""The life cycle of an order, published by order_dispatch."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from replenish_contracts.catalogue import Event, Id, Moment, Steps, Text, published_by
from replenish_contracts.events.offers import Currency, Money


class Evidence(StrEnum):
    """Why an order counts as delivered: it was reported, or its expected date passed."""

    REPORTED = "reported"
    ESTIMATED = "estimated"


class Fault(StrEnum):
    """Why an order failed; only for `provider` is another provider worth trying."""

    PROVIDER = "provider"
    PAYMENT = "payment"
    FRAUD = "fraud"
    ADDRESS = "address"


class OrderFact(Event):
    """Fields of every order event."""

    order_id: Id
    customer_id: Id
    product_id: Id
    pool_id: Id
    provider_id: Id
    occurred_at: Moment
    #: A test order: it goes through every step, without money or goods.
    test: bool = False


@published_by("order_dispatch", topic="orders", key="customer_id")
class OrderDrafted(OrderFact):
    """An order was created; the provider has not been contacted yet."""

    packs: Annotated[int, Field(ge=1, le=10**6)]
    quantity: Steps
    price: Money | None = None
    currency: Currency | None = None


@published_by("order_dispatch", topic="orders", key="customer_id")
class OrderPlaced(OrderFact):
    """The provider accepted the order."""

    packs: Annotated[int, Field(ge=1, le=10**6)]
    quantity: Steps
    expected_at: Moment | None = None


@published_by("order_dispatch", topic="orders", key="customer_id")
class OrderRefused(OrderFact):
    """The provider refused the order."""

    reason: Text


@published_by("order_dispatch", topic="orders", key="customer_id")
class OrderUnknown(OrderFact):
    """It is unclear whether the provider has this order; its status is queried, and it is never sent again."""

    reason: Text


@published_by("order_dispatch", topic="orders", key="customer_id")
class OrderShipped(OrderFact):
    """The goods left the provider."""

    quantity: Steps
    expected_at: Moment | None = None
    tracking: Text | None = None


@published_by("order_dispatch", topic="orders", key="customer_id")
class OrderDelivered(OrderFact):
    """The goods reached the customer; credited once, by the first evidence."""

    device_id: Id
    slot: Id
    quantity: Steps
    evidence: Evidence
    #: When the goods arrived, if reported; `occurred_at` is when the report was received.
    delivered_at: Moment | None = None
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
class OrderFailed(OrderFact):
    """The order could not be completed and ended without goods."""

    reason: Text
    fault: Fault = Fault.PROVIDER
