"""The pool: one customer's goods of one product, and what it waits for."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from replenish_contracts.events import Mode, SubscriptionStatus, split_order_id
from services.reorder_decision.domain.scorecard import LeadTime, Scorecard


class Situation(StrEnum):
    """What a pool is waiting for; in the first four its epoch is open, in the others it has ended."""

    #: One slot; consumption watches it and publishes ThresholdCrossed.
    ARMED = "armed"
    #: Several slots; all were requested to report their level, and the last answer decides.
    ASKING = "asking"
    #: Several slots that are not low; each change of a level is summed here.
    FOLLOWED = "followed"
    #: Low; waits until the end of `hold` to be ordered together with the customer's other products of the provider.
    COLLECTING = "collecting"
    #: An order is under way.
    ORDERED = "ordered"
    #: Not ordered for the reason in `hold`, until its wake-up.
    HELD = "held"


EPOCH_IS_OPEN = (Situation.ARMED, Situation.ASKING, Situation.FOLLOWED, Situation.COLLECTING)


class Reason(StrEnum):
    """Why nothing was ordered, or why something was."""

    NO_SUBSCRIPTION = "no_subscription"
    PAUSED = "paused"
    NO_SLOTS = "no_slots"
    UNITS_DIFFER = "units_differ"
    NO_OFFER = "no_offer"
    OFFER_UNAVAILABLE = "offer_unavailable"
    PROVIDER_INACTIVE = "provider_inactive"
    PACK_SIZE_DIFFERS = "pack_size_differs"
    PACK_UNIT_DIFFERS = "pack_unit_differs"
    PAUSED_AT_PROVIDER = "paused_at_provider"
    LINK_ENDED = "link_ended"
    NOT_LINKED = "not_linked"
    AWAITING_APPROVAL = "awaiting_approval"
    NOTIFY_ONLY = "notify_only"
    ENOUGH = "enough"
    AWAY = "away"
    COLLECTING = "collecting"
    CANCELLED_ONCE = "cancelled_once"
    CANCELLED_AGAIN = "cancelled_again"
    NOT_DELIVERED = "not_delivered"
    #: The provider reported an unclear quantity, so it is uncertain how much arrived.
    DELIVERY_UNCLEAR = "delivery_unclear"
    LOW = "low"
    APPROVED = "approved"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


#: `Hold.wake_up` of a hold that ends at a time; otherwise it is an event's name or `approval`.
TIME = "time"


@dataclass(frozen=True, slots=True)
class SlotLink:
    """A slot at a provider that the customer linked its device with, as the provider reports it."""

    provider_id: str
    #: False once the link has ended.
    active: bool
    #: When the link was created or ended.
    changed_at: datetime
    #: False while the slot is paused at the provider; None until the provider reports it.
    subscribed: bool | None = None
    subscribed_at: datetime | None = None
    #: The provider's ids of the products that the customer chose there.
    items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot of the pool with its latest reported level, in base steps."""

    device_id: str
    slot: str
    unit: str
    scale: int
    capacity: int
    level: int
    uncertainty: float = 0.0
    rate_per_day: float = 0.0
    level_event: str | None = None
    level_at: datetime | None = None
    #: The last epoch in which the slot answered.
    answered: int = 0
    links: tuple[SlotLink, ...] = ()

    def find_link(self, provider_id: str | None) -> SlotLink | None:
        return next((link for link in self.links if link.provider_id == provider_id), None)

    @property
    def place(self) -> tuple[str, str]:
        return self.device_id, self.slot


@dataclass(frozen=True, slots=True)
class Subscription:
    """What to keep in stock, from which provider, and by which rule."""

    subscription_id: str
    provider_id: str
    packs: int
    pack_size: int
    mode: Mode
    status: SubscriptionStatus
    days: float
    at_level: int
    reports: int
    #: Incremented with each change by the customer.
    version: int = 1
    #: Providers to use after an order of the first one ended without delivery.
    alternatives: tuple[str, ...] = ()
    #: How long an order waits for other products of the same provider; 0 places it at once.
    collect_hours: float = 0.0


@dataclass(frozen=True, slots=True)
class Offer:
    """A provider's offer of the product, with the provider's lead time and record."""

    pack_size: int
    price: int
    currency: str
    available: bool
    provider_active: bool
    event: str | None = None
    #: The pack size counts steps of 10**-scale of this unit; None means the slots' unit and scale.
    unit: str | None = None
    scale: int = 0
    provider_id: str = ""
    lead: LeadTime | None = None
    record: Scorecard | None = None
    #: The provider takes orders only for slots of devices that are linked with it.
    needs_link: bool = False
    #: The provider's orders are test orders.
    test: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """The pool's line of its only open order; a proposed one waits for approval and is not on order yet.

    `order_id` is shared by all lines of the order; it changes if order_dispatch splits the order.
    """

    order_id: str
    epoch: int
    quantity: int
    proposed: bool
    provider_id: str | None = None

    def is_part_of(self, order_id: str, line_id: str | None) -> bool:
        """Return whether an event about this line of an order is about this order.

        Goods may arrive before the OrderDrafted of a split is consumed, which is on another topic. order_dispatch
        derives the id of a part from the order and the part's first line.
        """
        return order_id == self.order_id or (line_id is not None and order_id == split_order_id(self.order_id, line_id))


@dataclass(frozen=True, slots=True)
class Holiday:
    """When the customer is away; `ends_at` is the return."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Hold:
    """Why nothing is ordered, and what ends it: an event's name, `approval`, or `time` at `until`."""

    reason: Reason
    wake_up: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Trigger:
    """What consumption watches in the open epoch; `shelf_and_on_order` is the sum of both."""

    places: tuple[tuple[str, str], ...]
    at_level: int
    at_days: float
    shelf_and_on_order: int
    reports: int


@dataclass(frozen=True, slots=True)
class Pool:
    """All inputs of a decision about the pool; read and written under the row lock of the pool."""

    pool_id: str
    customer_id: str
    product_id: str
    epoch: int = 0
    situation: Situation = Situation.HELD
    hold: Hold | None = Hold(Reason.NO_SUBSCRIPTION, "SubscriptionChanged")
    #: A back-off, which outlasts other holds; `hold` may show an obstacle that takes precedence.
    wait: Hold | None = None
    trigger: Trigger | None = None
    shelf: int = 0
    shelf_event: str | None = None
    #: Cancelled by the customer, and ended without delivery, since goods last arrived.
    cancels: int = 0
    failures: int = 0
    #: Consecutive level reports at which a followed pool was low.
    low_reports: int = 0
    stale_crossings: int = 0
    slots: tuple[Slot, ...] = ()
    subscription: Subscription | None = None
    offer: Offer | None = None
    order: Order | None = None
    #: Offers of the alternative providers, and providers whose order for this need ended without delivery.
    rivals: tuple[Offer, ...] = ()
    avoided: tuple[str, ...] = ()
    holiday: Holiday | None = None
    #: Registration number by device id.
    registrations: Mapping[str, int] = field(default_factory=dict)
    #: Ids of the customer's other pools that collect.
    collecting_pool_ids: tuple[str, ...] = ()

    @property
    def on_order(self) -> int:
        return self.order.quantity if self.order and not self.order.proposed else 0

    @property
    def collect_until(self) -> datetime | None:
        """When a collecting pool is ordered at the latest."""
        return self.hold.until if self.hold and self.situation is Situation.COLLECTING else None

    @property
    def is_full(self) -> bool:
        return bool(self.slots) and all(slot.level >= slot.capacity for slot in self.slots)

    def with_slot(self, changed: Slot) -> "Pool":
        return replace(self, slots=tuple(changed if slot.place == changed.place else slot for slot in self.slots))
