"""Orders that people handle: hosted shops, and customers who order at the shop themselves."""

from typing import Annotated

from pydantic import Field

from replenish_contracts.catalogue import Moment, Steps, Text, published_by
from replenish_contracts.events.orders import OrderFact

Packs = Annotated[int, Field(ge=1, le=10**6)]


@published_by("order_dispatch", topic="orders", key="customer_id")
class ShopOrderRequested(OrderFact):
    """A hosted shop has a new order to accept or refuse; its goods are allocated."""

    packs: Packs
    quantity: Steps
    #: The order is withdrawn if there is no response by then.
    answer_by: Moment | None = None


@published_by("order_dispatch", topic="orders", key="customer_id")
class ShopReminded(OrderFact):
    """A hosted shop was reminded to respond to an order, or to ship one that it accepted."""

    answer_by: Moment | None = None


@published_by("order_dispatch", topic="orders", key="customer_id")
class ShopCancelRequested(OrderFact):
    """A hosted shop was requested to cancel an order that it accepted."""

    reason: Text


@published_by("order_dispatch", topic="orders", key="customer_id")
class CartPrepared(OrderFact):
    """A cart was prepared for a shop without an API; nothing is ordered until the customer confirms it."""

    packs: Packs
    quantity: Steps
    answer_by: Moment | None = None


@published_by("order_dispatch", topic="orders", key="customer_id")
class CartReminded(OrderFact):
    """A customer was reminded to confirm whether they placed the order."""

    answer_by: Moment | None = None


@published_by("order_dispatch", topic="orders", key="customer_id")
class CartCancelRequested(OrderFact):
    """A customer was requested to cancel their order at the shop."""

    reason: Text
