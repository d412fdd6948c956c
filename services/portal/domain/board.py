"""What the page knows about a customer's slots, orders and plans."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class OrderState(StrEnum):
    """Where an order is, as its customer sees it."""

    DUE = "due"
    DRAFTED = "drafted"
    #: The customer is to order it themselves, and has not said that they did.
    YOURS = "yours"
    PLACED = "placed"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"
    FAILED = "failed"


OPEN = frozenset(
    {
        *(OrderState.DUE, OrderState.DRAFTED, OrderState.YOURS, OrderState.PLACED),
        *(OrderState.SHIPPED, OrderState.UNKNOWN),
    }
)
#: What is on its way; an order that the customer has yet to place is not.
COMING = OPEN - {OrderState.YOURS}
#: A customer may still change their mind; shipped goods come.
CANCELLABLE = frozenset({OrderState.DUE, OrderState.DRAFTED, OrderState.PLACED, OrderState.UNKNOWN})


@dataclass(frozen=True)
class Told:
    """What was last told about a slot, by an event or by consumption's API."""

    level: int
    rate_per_day: float | None
    run_out_at: datetime | None
    at: datetime | None
    doubted: str | None = None


@dataclass(frozen=True)
class Subscription:
    """What is kept in the house, from whom, and how far on its own."""

    subscription_id: str
    product_id: str
    provider_id: str
    packs: int
    pack_size: int
    mode: str
    status: str


@dataclass(frozen=True)
class Wait:
    """Why nothing is ordered just now; with an order_id somebody must say yes to it."""

    product_id: str
    reason: str
    wake_up: str
    reconsider_at: datetime | None
    order_id: str | None
    at: datetime


@dataclass(frozen=True)
class Order:
    """An order and how far it has come."""

    order_id: str
    product_id: str
    provider_id: str
    state: OrderState
    packs: int | None
    quantity: int | None
    price: int | None
    currency: str | None
    expected_at: datetime | None
    tracking: str | None
    reason: str | None
    began_at: datetime
    changed_at: datetime
    #: The customer places it at the shop, and says what becomes of it.
    own: bool = False


@dataclass(frozen=True)
class Offer:
    """What a provider sells a product for."""

    title: str
    pack_size: int
    price: int
    currency: str


@dataclass(frozen=True)
class Notice:
    """Something the customer was told."""

    kind: str
    channel: str
    product_id: str | None
    at: datetime


@dataclass(frozen=True)
class Known:
    """Everything events have told about a customer."""

    told: dict[tuple[str, str], Told] = field(default_factory=dict)
    subscriptions: tuple[Subscription, ...] = ()
    waits: dict[str, Wait] = field(default_factory=dict)
    shelves: dict[str, int] = field(default_factory=dict)
    orders: tuple[Order, ...] = ()
    offers: dict[tuple[str, str], Offer] = field(default_factory=dict)
    providers: dict[str, str] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()
