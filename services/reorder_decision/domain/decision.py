"""What a decision is made from and what it is; both are kept in its receipt."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.reorder_decision.domain.pool import TIME, Hold, Offer, Reason, Slot, Subscription

#: Changes whenever the same inputs would be decided differently; receipts name it.
RULE = "days-of-supply/1"


class Why(StrEnum):
    """What made us decide."""

    CROSSED = "crossed"
    CHANGED = "changed"
    #: The open order was cancelled by the customer, or came to nothing otherwise.
    CANCELLED = "cancelled"
    FAILED = "failed"
    #: Its provider did not answer, and another one is asked instead.
    SILENCE = "silence"
    APPROVED = "approved"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class Outcome(StrEnum):
    """What was decided."""

    ORDER = "order"
    PROPOSE = "propose"
    HOLD = "hold"
    DECLINE = "decline"


@dataclass(frozen=True, slots=True)
class Rules:
    """This deployment's back-offs, in days."""

    cancel_backoff_days: float = 5.0
    failure_backoff_days: float = 1.0
    failure_backoff_limit_days: float = 32.0
    enough_backoff_days: float = 1.0


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that a decision depends on; kept in its receipt, so that it can be made again."""

    pool_id: str
    customer_id: str
    product_id: str
    epoch: int
    order_id: str
    why: Why
    at: datetime
    #: Ids of the event that led to this decision and of those the shelf and the offer are known from.
    cause: str | None
    shelf_event: str | None
    slots: tuple[Slot, ...]
    shelf: int
    on_order: int
    subscription: Subscription | None
    offer: Offer | None
    wait: Hold | None
    cancels: int
    failures: int
    rules: Rules
    rule: str = RULE
    #: Who approved or declined, or why a proposal was withdrawn.
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """The arithmetic of the rule, in base steps and days."""

    levels: int
    shelf: int
    on_order: int
    position: int
    rate_per_day: float
    days: float
    for_days: float
    at_level: int
    threshold: float
    low: bool
    #: How long the position lasts; none where nothing is used.
    lasts_days: float | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided, and the arithmetic behind it."""

    outcome: Outcome
    reason: Reason
    figures: Figures
    wake_up: str | None = None
    reconsider_at: datetime | None = None
    provider_id: str | None = None
    packs: int = 0
    pack_size: int = 0
    device_id: str | None = None
    slot: str | None = None
    needed_by: datetime | None = None

    @property
    def quantity(self) -> int:
        return self.packs * self.pack_size

    @property
    def hold(self) -> Hold:
        return Hold(self.reason, self.wake_up or TIME, self.reconsider_at)
