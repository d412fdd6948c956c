"""Read model of a customer's page: slots, orders, subscriptions and messages."""

from dataclasses import dataclass, field
from datetime import datetime

from services.portal.domain.orders import Order


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
    provider_id: str | None = None
    #: Since when the slot is paused at the provider, or the link with it has ended.
    since: datetime | None = None
    #: The order would be a test order.
    test: bool = False


@dataclass(frozen=True)
class LinkedSlot:
    """A slot as a linked provider reports it."""

    provider_id: str
    subscribed: bool
    #: The provider's ids of the products chosen there, each with the quantity in steps, if known.
    items: tuple[tuple[str, int | None], ...]
    changed_at: datetime


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
    order_id: str | None = None


@dataclass(frozen=True)
class CustomerView:
    """Everything that consumed events contain about one customer."""

    slots: dict[tuple[str, str], SlotView] = field(default_factory=dict)
    linked: dict[tuple[str, str], tuple[LinkedSlot, ...]] = field(default_factory=dict)
    subscriptions: tuple[Subscription, ...] = ()
    waits: dict[str, Wait] = field(default_factory=dict)
    shelves: dict[str, int] = field(default_factory=dict)
    orders: tuple[Order, ...] = ()
    offers: dict[tuple[str, str], Offer] = field(default_factory=dict)
    providers: dict[str, str] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()
