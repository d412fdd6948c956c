"""What happens to an order beside its way to the door: changes, suspicion, complaints, returns."""

from typing import Annotated

from pydantic import Field

from libs.contracts.catalogue import Id, Steps, Text, said_by
from libs.contracts.events.offers import Currency, Money
from libs.contracts.events.orders import OrderFact


@said_by("order_dispatch", on="orders", key="customer_id")
class OrderModified(OrderFact):
    """A drafted order is now for this much; nobody outside has been asked for it yet."""

    packs: Annotated[int, Field(ge=1, le=10**6)]
    quantity: Steps
    price: Money | None = None
    currency: Currency | None = None


@said_by("order_dispatch", on="orders", key="customer_id")
class FraudFlagged(OrderFact):
    """An operator takes this order for fraud; its pool orders nothing until an operator clears it."""

    reason: Text


@said_by("order_dispatch", on="orders", key="customer_id")
class FraudCleared(OrderFact):
    """The suspicion about this order is gone; its pool may order again."""


@said_by("order_dispatch", on="orders", key="customer_id")
class ClaimRaised(OrderFact):
    """Less than was ordered came; somebody has to settle the difference with the provider."""

    ordered: Steps
    received: Steps


@said_by("order_dispatch", on="orders", key="customer_id")
class OrderReturned(OrderFact):
    """Delivered goods go back to the provider; said once per order."""

    device_id: Id
    slot: Id
    quantity: Steps
    reason: Text
    by: Id
