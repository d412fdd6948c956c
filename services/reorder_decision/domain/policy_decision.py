"""Inputs and result of a decision; receipts contain both."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.reorder_decision.domain.pool import TIME, Hold, Holiday, Offer, Reason, Slot, Subscription

#: Version of the rule, stored in receipts; change it whenever the same inputs give another decision.
RULE = "days-of-supply/2"


class Why(StrEnum):
    """What triggered the decision."""

    CROSSED = "crossed"
    CHANGED = "changed"
    #: The open order was cancelled by the customer (CANCELLED) or ended without delivery otherwise (FAILED).
    CANCELLED = "cancelled"
    FAILED = "failed"
    APPROVED = "approved"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    #: The time to collect is over, the supply became urgent, or another order includes the pool.
    COLLECTED = "collected"


class Outcome(StrEnum):
    """The kinds of decisions."""

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
    #: Lead time if none is stated or learned; used with holidays and to collect orders.
    lead_time_days: float = 5.0
    unclear_backoff_days: float = 3.0


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything that a decision depends on, so that `replay` can repeat it."""

    pool_id: str
    customer_id: str
    product_id: str
    epoch: int
    order_id: str
    why: Why
    occurred_at: datetime
    #: Ids of the event that caused the decision, and of the one with the latest shelf balance.
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
    #: Who approved or declined, why a proposal was withdrawn, or what ended the time to collect.
    by: str | None = None
    #: Offers of the alternative providers, and providers whose order for this need ended without delivery.
    rivals: tuple[Offer, ...] = ()
    avoided: tuple[str, ...] = ()
    holiday: Holiday | None = None


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
    #: How long the position lasts; None if the rate is 0.
    lasts_days: float | None


@dataclass(frozen=True, slots=True)
class PolicyDecision:
    """The result, with the figures behind it."""

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
