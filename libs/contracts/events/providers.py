"""What we ask of a provider, and what a provider answers, on its own two topics."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from libs.contracts.catalogue import OUTSIDE, Event, Id, Moment, Steps, Text, said_by
from libs.contracts.events.offers import Currency, Money
from libs.units import BaseUnit


class ShipTo(BaseModel):
    """Where the goods go; kept on the provider's topic for seven days only."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: Text
    line1: Text
    line2: Text | None = None
    postal_code: Text
    city: Text
    region: Text | None = None
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


class UpdateStatus(StrEnum):
    """What a provider can say about an order."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"
    #: The provider has the order and a problem that the customer must settle first: address, payment, stock.
    RESOLVING = "resolving"
    #: The answer to OrderStatusAsked for an order the provider never accepted.
    NOT_FOUND = "not_found"


@said_by("order_dispatch", on="provider-orders-{provider_id}", key="order_id")
class OrderRequested(Event):
    """A provider is asked to deliver; the same order_id is the same order, however often it is read."""

    provider_id: Id
    order_id: Id
    product_id: Id
    packs: Annotated[int, Field(ge=1, le=10**6)]
    pack_size: Annotated[int, Field(ge=1, le=2**53)]
    quantity: Steps
    unit: BaseUnit
    scale: Annotated[int, Field(ge=0, le=6)] = 0
    ship_to: ShipTo
    requested_at: Moment
    needed_by: Moment | None = None
    #: A rehearsal: answer as ever, charge nothing and send nothing.
    test: bool = False


@said_by("order_dispatch", on="provider-orders-{provider_id}", key="order_id")
class CancelRequested(Event):
    """A provider is asked not to deliver an order it may already have."""

    provider_id: Id
    order_id: Id
    reason: Text
    requested_at: Moment


@said_by("order_dispatch", on="provider-orders-{provider_id}", key="order_id")
class OrderStatusAsked(Event):
    """A provider is asked what became of an order; it answers with the order's current status."""

    provider_id: Id
    order_id: Id
    requested_at: Moment


@said_by(OUTSIDE, on="provider-updates-{provider_id}", key="order_id")
class OrderUpdated(Event):
    """A provider says what happened to an order; `update_id` makes repeating it harmless."""

    provider_id: Id
    update_id: Id
    order_id: Id
    status: UpdateStatus
    at: Moment
    expected_at: Moment | None = None
    #: What was really shipped, in base steps, where it differs from the order.
    quantity: Steps | None = None
    reason: Text | None = None
    tracking: Text | None = None
    #: What is sent, where it is not the product that was ordered.
    product_id: Id | None = None
    #: What the whole order costs at the provider, in minor units of `currency`.
    price: Money | None = None
    currency: Currency | None = None
