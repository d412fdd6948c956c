"""Read model of a customer's page: slots, orders, subscriptions and messages."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class OrderState(StrEnum):
    """State of an order as shown to its customer."""

    DUE = "due"
    DRAFTED = "drafted"
    #: The customer orders it at the shop and has not confirmed that yet.
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
#: Goods are expected; excludes orders that the customer has yet to place.
COMING = OPEN - {OrderState.YOURS}
#: The customer may cancel; shipped orders cannot be cancelled.
CANCELLABLE = frozenset({OrderState.DUE, OrderState.DRAFTED, OrderState.PLACED, OrderState.UNKNOWN})


@dataclass(frozen=True)
class SlotView:
    """Latest known level of a slot, from an event or from the API of consumption."""

    level: int
    rate_per_day: float | None
    run_out_at: datetime | None
    occurred_at: datetime | None
    anomaly: str | None = None


@dataclass(frozen=True)
class Subscription:
    """A product that is reordered: provider, pack and mode."""

    subscription_id: str
    product_id: str
    provider_id: str
    packs: int
    pack_size: int
    mode: str
    status: str


@dataclass(frozen=True)
class Wait:
    """Why a product is not being ordered; with an order_id, that order may need approval (`wake_up`)."""

    product_id: str
    reason: str
    wake_up: str
    reconsider_at: datetime | None
    order_id: str | None
    occurred_at: datetime


@dataclass(frozen=True)
class Order:
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
    #: The customer places it at the shop and reports its progress.
    own: bool = False


@dataclass(frozen=True)
class Offer:
    """Pack and price of a product at one provider; price in minor units."""

    title: str
    pack_size: int
    price: int
    currency: str


@dataclass(frozen=True)
class Notice:
    """A message that was sent to the customer."""

    kind: str
    channel: str
    product_id: str | None
    occurred_at: datetime


@dataclass(frozen=True)
class CustomerView:
    """Everything that consumed events contain about one customer."""

    slots: dict[tuple[str, str], SlotView] = field(default_factory=dict)
    subscriptions: tuple[Subscription, ...] = ()
    waits: dict[str, Wait] = field(default_factory=dict)
    shelves: dict[str, int] = field(default_factory=dict)
    orders: tuple[Order, ...] = ()
    offers: dict[tuple[str, str], Offer] = field(default_factory=dict)
    providers: dict[str, str] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()
