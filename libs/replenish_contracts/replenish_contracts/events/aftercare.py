"""Order changes, fraud flags, claims and returns."""

from typing import Annotated

from pydantic import Field

from replenish_contracts.catalogue import Id, Steps, Text, published_by
from replenish_contracts.events.offers import Currency, Money
from replenish_contracts.events.orders import OrderFact


@published_by("order_dispatch", topic="orders", key="customer_id")
class OrderModified(OrderFact):
    """The quantity of a drafted order changed; the provider has not been contacted yet."""

    packs: Annotated[int, Field(ge=1, le=10**6)]
    quantity: Steps
    price: Money | None = None
    currency: Currency | None = None


@published_by("order_dispatch", topic="orders", key="customer_id")
class FraudFlagged(OrderFact):
    """An operator flagged this order as fraud; its pool orders nothing until an operator clears it."""

    reason: Text


@published_by("order_dispatch", topic="orders", key="customer_id")
class FraudCleared(OrderFact):
    """An operator cleared the fraud flag of this order; its pool may order again."""


@published_by("order_dispatch", topic="orders", key="customer_id")
class ClaimRaised(OrderFact):
    """Less than ordered was delivered; an operator settles the difference with the provider."""

    ordered: Steps
    received: Steps


@published_by("order_dispatch", topic="orders", key="customer_id")
class OrderReturned(OrderFact):
    """Delivered goods are returned to the provider; published once per order."""

    device_id: Id
    slot: Id
    quantity: Steps
    reason: Text
    by: Id
