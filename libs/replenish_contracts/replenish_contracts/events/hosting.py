"""Orders that people handle: hosted shops, and customers who order at the shop themselves."""

from replenish_contracts.catalogue import Moment, Steps, Text, published_by
from replenish_contracts.events.lines import OrderLine, Packs
from replenish_contracts.events.orders import OrderFact


@published_by("order_dispatch", topic="orders", key="customer_id")
class ShopOrderRequested(OrderFact):
    """A hosted shop has a new order to accept or refuse; its goods are allocated."""

    lines: tuple[OrderLine, ...] = ()
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
    """A hosted shop was requested to cancel these lines of an order that it accepted."""

    reason: Text


@published_by("order_dispatch", topic="orders", key="customer_id")
class CartPrepared(OrderFact):
    """A cart was prepared for a shop without an API; nothing is ordered until the customer confirms it."""

    lines: tuple[OrderLine, ...] = ()
    packs: Packs
    quantity: Steps
    answer_by: Moment | None = None


@published_by("order_dispatch", topic="orders", key="customer_id")
class CartReminded(OrderFact):
    """A customer was reminded to confirm whether they placed the order."""

    answer_by: Moment | None = None


@published_by("order_dispatch", topic="orders", key="customer_id")
class CartCancelRequested(OrderFact):
    """A customer was requested to cancel these lines of their order at the shop."""

    reason: Text
