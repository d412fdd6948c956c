"""Order changes, fraud flags, claims and returns."""

from replenish_contracts.catalogue import Id, Steps, Text, published_by
from replenish_contracts.events.lines import OrderLine, Packs
from replenish_contracts.events.offers import Currency, Money
from replenish_contracts.events.orders import OrderFact


@published_by("order_dispatch", topic="orders", key="customer_id")
class OrderModified(OrderFact):
    """The quantity of a line of a drafted order changed; the provider has not been contacted yet.

    `lines` are all lines of the order that are not cancelled, with their new quantities.
    """

    lines: tuple[OrderLine, ...] = ()
    packs: Packs
    quantity: Steps
    #: Agreed price of all lines and the fee, in minor units of `currency`.
    price: Money | None = None
    currency: Currency | None = None
    #: Delivery fee, which is part of the price.
    fee: Money | None = None


@published_by("order_dispatch", topic="orders", key="customer_id")
class FraudFlagged(OrderFact):
    """An operator flagged this order as fraud; its pools order nothing until an operator clears it."""

    reason: Text


@published_by("order_dispatch", topic="orders", key="customer_id")
class FraudCleared(OrderFact):
    """An operator cleared the fraud flag of this order; its pools may order again."""


@published_by("order_dispatch", topic="orders", key="customer_id")
class ClaimRaised(OrderFact):
    """Less of one line was delivered than ordered; an operator settles the difference with the provider."""

    ordered: Steps
    received: Steps


@published_by("order_dispatch", topic="orders", key="customer_id")
class OrderReturned(OrderFact):
    """Delivered goods of one line are returned to the provider; published once per line."""

    device_id: Id
    slot: Id
    quantity: Steps
    reason: Text
    by: Id
