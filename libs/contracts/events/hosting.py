"""People who are asked about an order: shops whose orders are kept here, and customers who order themselves."""

from typing import Annotated

from pydantic import Field

from libs.contracts.catalogue import Moment, Steps, Text, said_by
from libs.contracts.events.orders import OrderFact

Packs = Annotated[int, Field(ge=1, le=10**6)]


@said_by("order_dispatch", on="orders", key="customer_id")
class ShopAsked(OrderFact):
    """A shop whose orders are kept here has a new one to take or refuse; its goods are set aside."""

    packs: Packs
    quantity: Steps
    #: Without an answer until then the order is taken back.
    answer_by: Moment | None = None


@said_by("order_dispatch", on="orders", key="customer_id")
class ShopReminded(OrderFact):
    """A shop has not answered about an order, or not sent what it took."""

    answer_by: Moment | None = None


@said_by("order_dispatch", on="orders", key="customer_id")
class ShopAskedToCancel(OrderFact):
    """A shop is asked not to send an order that it has taken."""

    reason: Text


@said_by("order_dispatch", on="orders", key="customer_id")
class CartPrepared(OrderFact):
    """A customer is asked to order at a shop that has no door for programs; nothing is ordered until they say so."""

    packs: Packs
    quantity: Steps
    answer_by: Moment | None = None


@said_by("order_dispatch", on="orders", key="customer_id")
class CartReminded(OrderFact):
    """A customer has not said whether they ordered."""

    answer_by: Moment | None = None


@said_by("order_dispatch", on="orders", key="customer_id")
class CartCancelAsked(OrderFact):
    """A customer is asked to cancel at the shop what they ordered there."""

    reason: Text
