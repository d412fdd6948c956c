"""An order's life, told by order_dispatch."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from libs.contracts.catalogue import Event, Id, Moment, Steps, Text, said_by
from libs.contracts.events.offers import Currency, Money


class Evidence(StrEnum):
    """Why an order counts as delivered: somebody said so, or its promised date came."""

    REPORTED = "reported"
    ESTIMATED = "estimated"


class Fault(StrEnum):
    """What an order failed over: of these only the provider would be another one's chance."""

    PROVIDER = "provider"
    PAYMENT = "payment"
    FRAUD = "fraud"
    ADDRESS = "address"


class OrderFact(Event):
    """What every fact about an order carries."""

    order_id: Id
    customer_id: Id
    product_id: Id
    pool_id: Id
    provider_id: Id
    at: Moment
    #: A rehearsal: it goes the whole way, with no money and no goods.
    test: bool = False


@said_by("order_dispatch", on="orders", key="customer_id")
class OrderDrafted(OrderFact):
    """An order exists; nobody outside has been asked yet."""

    packs: Annotated[int, Field(ge=1, le=10**6)]
    quantity: Steps
    price: Money | None = None
    currency: Currency | None = None


@said_by("order_dispatch", on="orders", key="customer_id")
class OrderPlaced(OrderFact):
    """The provider accepted the order."""

    packs: Annotated[int, Field(ge=1, le=10**6)]
    quantity: Steps
    expected_at: Moment | None = None


@said_by("order_dispatch", on="orders", key="customer_id")
class OrderRefused(OrderFact):
    """The provider will not deliver this order."""

    reason: Text


@said_by("order_dispatch", on="orders", key="customer_id")
class OrderUnknown(OrderFact):
    """Nobody knows whether the provider has this order; it is being asked and never sent again."""

    reason: Text


@said_by("order_dispatch", on="orders", key="customer_id")
class OrderShipped(OrderFact):
    """The goods left the provider."""

    quantity: Steps
    expected_at: Moment | None = None
    tracking: Text | None = None


@said_by("order_dispatch", on="orders", key="customer_id")
class OrderDelivered(OrderFact):
    """The goods are with the customer; credited once, whichever evidence came first."""

    device_id: Id
    slot: Id
    quantity: Steps
    evidence: Evidence
    #: When the goods came, as far as somebody said so; `at` is when it was heard.
    delivered_at: Moment | None = None
    #: What the order was agreed to cost and what the provider wants for it, both in `currency`.
    price: Money | None = None
    billed: Money | None = None
    currency: Currency | None = None


@said_by("order_dispatch", on="orders", key="customer_id")
class OrderCancelled(OrderFact):
    """The order ended without goods because somebody did not want it."""

    by: Id
    reason: Text


@said_by("order_dispatch", on="orders", key="customer_id")
class OrderFailed(OrderFact):
    """The order ended without goods because it could not be carried out."""

    reason: Text
    fault: Fault = Fault.PROVIDER
