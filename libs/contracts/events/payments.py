"""What became of an order's money, told by order_dispatch."""

from enum import StrEnum

from libs.contracts.catalogue import Id, Text, said_by
from libs.contracts.events.offers import Currency, Money
from libs.contracts.events.orders import OrderFact


class PaymentStep(StrEnum):
    """What a payment service is asked to do."""

    AUTHORIZE = "authorize"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"


class PaymentFact(OrderFact):
    """What every fact about a payment carries; the amount is in minor units."""

    payment_id: Id
    amount: Money
    currency: Currency


@said_by("order_dispatch", on="orders", key="customer_id")
class PaymentAuthorized(PaymentFact):
    """The order's money is reserved; nothing was taken yet."""


@said_by("order_dispatch", on="orders", key="customer_id")
class PaymentTaken(PaymentFact):
    """The customer paid this for goods that left; whatever else was reserved is free again."""


@said_by("order_dispatch", on="orders", key="customer_id")
class PaymentFailed(PaymentFact):
    """The payment service will not do this step, or the reservation ran out; no money moved."""

    step: PaymentStep
    reason: Text


@said_by("order_dispatch", on="orders", key="customer_id")
class PaymentVoided(PaymentFact):
    """The reserved money is free again; 0 where nothing had been reserved."""


@said_by("order_dispatch", on="orders", key="customer_id")
class PaymentRefunded(PaymentFact):
    """The customer got this back; `refunded` is the sum of all that came back."""

    refunded: Money
