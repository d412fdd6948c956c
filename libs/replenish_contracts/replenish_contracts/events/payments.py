"""Payments of orders, published by order_dispatch."""

from enum import StrEnum

from replenish_contracts.catalogue import Id, Text, published_by
from replenish_contracts.events.offers import Currency, Money
from replenish_contracts.events.orders import OrderReference


class PaymentStep(StrEnum):
    """A request to the payment service."""

    AUTHORIZE = "authorize"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"


class PaymentFact(OrderReference):
    """Fields of every payment event; the amount is in minor units."""

    payment_id: Id
    amount: Money
    currency: Currency


@published_by("order_dispatch", topic="orders", key="customer_id")
class PaymentAuthorized(PaymentFact):
    """The amount is reserved; nothing was captured yet."""


@published_by("order_dispatch", topic="orders", key="customer_id")
class PaymentCaptured(PaymentFact):
    """The amount was captured for shipped goods; after the last capture the rest of the reservation is released."""

    #: Further goods are to be captured from the same reservation.
    more_follows: bool = False


@published_by("order_dispatch", topic="orders", key="customer_id")
class PaymentFailed(PaymentFact):
    """The payment service refused this step, or the reservation expired; no money was moved."""

    step: PaymentStep
    reason: Text


@published_by("order_dispatch", topic="orders", key="customer_id")
class PaymentVoided(PaymentFact):
    """The reservation was released; the amount is 0 if nothing was reserved."""


@published_by("order_dispatch", topic="orders", key="customer_id")
class PaymentRefunded(PaymentFact):
    """The amount was refunded to the customer; `refunded` is the total of all refunds."""

    refunded: Money
