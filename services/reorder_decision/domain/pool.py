"""A pool as this service knows it: one customer's goods of one product, and what it waits for."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from libs.contracts.events import Mode, SubscriptionStatus
from services.reorder_decision.domain.records import Lead, Record


class Situation(StrEnum):
    """What a pool is waiting for; in the first three its epoch is open, in the others it has ended."""

    #: Consumption watches the only slot and answers with ThresholdCrossed.
    ARMED = "armed"
    #: All of several slots were asked for their level; the last answer decides.
    ASKING = "asking"
    #: All answered and it is enough; every change of a level is followed.
    FOLLOWED = "followed"
    #: An order is under way.
    ORDERED = "ordered"
    #: Nothing is ordered for a reason, until the wake-up.
    HELD = "held"


EPOCH_IS_OPEN = (Situation.ARMED, Situation.ASKING, Situation.FOLLOWED)


class Reason(StrEnum):
    """Why nothing is ordered, or why something was."""

    NO_SUBSCRIPTION = "no_subscription"
    PAUSED = "paused"
    NO_SLOTS = "no_slots"
    UNITS_DIFFER = "units_differ"
    NO_OFFER = "no_offer"
    OFFER_UNAVAILABLE = "offer_unavailable"
    PROVIDER_INACTIVE = "provider_inactive"
    PACK_SIZE_DIFFERS = "pack_size_differs"
    PACK_UNIT_DIFFERS = "pack_unit_differs"
    AWAITING_APPROVAL = "awaiting_approval"
    NOTIFY_ONLY = "notify_only"
    ENOUGH = "enough"
    AWAY = "away"
    CANCELLED_ONCE = "cancelled_once"
    CANCELLED_AGAIN = "cancelled_again"
    NOT_DELIVERED = "not_delivered"
    LOW = "low"
    APPROVED = "approved"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


#: What a hold waits for besides the names of events.
TIME = "time"


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot of the pool with the newest level heard of; levels are in base steps."""

    device_id: str
    slot: str
    unit: str
    scale: int
    capacity: int
    level: int
    doubt: float = 0.0
    rate_per_day: float = 0.0
    level_event: str | None = None
    level_at: datetime | None = None
    #: The last epoch in which the slot answered.
    answered: int = 0

    @property
    def place(self) -> tuple[str, str]:
        return self.device_id, self.slot


@dataclass(frozen=True, slots=True)
class Subscription:
    """What the customer wants kept in the house, and by which rule."""

    subscription_id: str
    provider_id: str
    packs: int
    pack_size: int
    mode: Mode
    status: SubscriptionStatus
    days: float
    at_level: int
    reports: int
    #: Counts the customer's changes.
    version: int = 1
    #: Providers that may be ordered from where an order of the first one ended without goods.
    alternatives: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Offer:
    """What a provider offers for the product, and what is known of it."""

    pack_size: int
    price: int
    currency: str
    available: bool
    provider_active: bool
    event: str | None = None
    #: What the pack size counts: steps of 10**-scale units; without a unit, the slots' own.
    unit: str | None = None
    scale: int = 0
    provider_id: str = ""
    lead: Lead | None = None
    record: Record | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """The pool's one open order; proposed ones wait for a person and are not on order yet."""

    order_id: str
    epoch: int
    quantity: int
    proposed: bool
    provider_id: str | None = None


@dataclass(frozen=True, slots=True)
class Holiday:
    """When the customer is away; the end is the return."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Hold:
    """Why nothing is ordered and what ends that: an event's name, `approval`, or `time` at `until`."""

    reason: Reason
    wake_up: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Trigger:
    """What consumption was asked in the open epoch."""

    places: tuple[tuple[str, str], ...]
    at_level: int
    at_days: float
    elsewhere: int
    reports: int


@dataclass(frozen=True, slots=True)
class Pool:
    """Everything a decision about the pool is made from; read and written under the pool's lock."""

    pool_id: str
    customer_id: str
    product_id: str
    epoch: int = 0
    situation: Situation = Situation.HELD
    hold: Hold | None = Hold(Reason.NO_SUBSCRIPTION, "SubscriptionChanged")
    #: A back-off that holds whatever else is the case; `hold` may name something more urgent.
    wait: Hold | None = None
    trigger: Trigger | None = None
    shelf: int = 0
    shelf_event: str | None = None
    #: Orders cancelled by the customer, and orders that came to nothing, since goods last arrived.
    cancels: int = 0
    failures: int = 0
    #: Level reports in a row at which a followed pool was low.
    low_reports: int = 0
    stale_crossings: int = 0
    slots: tuple[Slot, ...] = ()
    subscription: Subscription | None = None
    offer: Offer | None = None
    order: Order | None = None
    #: What the subscription's other providers offer, and whose orders for this need ended without goods.
    rivals: tuple[Offer, ...] = ()
    avoided: tuple[str, ...] = ()
    holiday: Holiday | None = None
    #: Of the slots' devices.
    registrations: Mapping[str, int] = field(default_factory=dict)

    @property
    def on_order(self) -> int:
        return self.order.quantity if self.order and not self.order.proposed else 0

    @property
    def is_full(self) -> bool:
        return bool(self.slots) and all(slot.level >= slot.capacity for slot in self.slots)

    def with_slot(self, changed: Slot) -> "Pool":
        return replace(self, slots=tuple(changed if slot.place == changed.place else slot for slot in self.slots))
