"""The state of a slot: level, report counter, rate of use, gaps and trigger."""

from dataclasses import dataclass, field

from replenish_contracts.events import BaseUnit, Fill, Loading, SlotSpec
from services.consumption.domain import uncertainty
from services.consumption.domain.days import Days, UsedDay, day_of, group_days
from services.consumption.domain.gaps import BookChange, Gaps
from services.consumption.domain.pending import PendingReading, UnconfirmedJump
from services.consumption.domain.rate import DAY, Rate, prior_rate
from services.consumption.domain.report import ReadingKind
from services.consumption.domain.trigger import UNSET, Trigger

#: Later run-out times are of no use, and datetime overflows soon after.
LONGEST_RUN_DAYS = 36_500.0


@dataclass(frozen=True, slots=True)
class Spec:
    """Registered properties of a slot; unit and scale never change."""

    customer_id: str
    product_id: str
    name: str
    unit: BaseUnit
    scale: int
    capacity: int
    loading: Loading
    fill: Fill
    #: Registration number of the device, counted from 1.
    registration: int = 1

    def held(self, level: int) -> int:
        """Return the quantity in the slot for a signed level.

        A negative level means that unreported goods were used. If the slot takes whole cartridges by hand, full
        cartridges were inserted, so the quantity is the rest of the last one; otherwise it is 0.
        """
        if level < 0 and self.loading is Loading.BY_HAND and self.fill is Fill.REPLACE:
            return level % self.capacity
        return max(0, level)

    def inferred(self, level: int) -> int:
        return self.held(level) - level if self.loading is Loading.BY_HAND else 0

    def is_compatible(self, other: "Spec") -> bool:
        return (self.product_id, self.unit, self.scale) == (other.product_id, other.unit, other.scale)


@dataclass(frozen=True, slots=True)
class Books:
    """Totals of all changes of the level; a CHECK constraint compares the level with their sum."""

    opening: int
    received: int = 0
    #: Use reported by devices.
    used_total: int = 0
    #: Use inferred from a drop between two measured levels.
    unreported: int = 0
    unexplained: int = 0

    @property
    def level(self) -> int:
        return self.opening + self.received - self.used + self.unexplained

    @property
    def used(self) -> int:
        return self.used_total + self.unreported

    def after(self, flow: int, change: BookChange) -> "Books":
        return Books(
            self.opening,
            self.received + max(0, flow) + change.received,
            self.used_total + max(0, -flow),
            self.unreported + change.unreported,
            self.unexplained + change.unexplained,
        )


@dataclass(frozen=True, slots=True)
class Slot:
    """One slot. Its level is signed: use of unreported goods makes it negative until the next reading.

    Signed sums commute, so the same reports lead to the same level in any order. API and events contain `held`
    and `unexplained` instead.
    """

    device_id: str
    slot: str
    spec: Spec
    books: Books
    rate: Rate
    days: Days
    received_at: float
    variance: float
    boot: str | None = None
    #: Number of known boots, ordered by their first report.
    boot_no: int = 0
    last_seq: int = 0
    gaps: Gaps = ()
    quarantined: bool = False
    #: Number of reports that arrived again after they were applied.
    duplicates: int = 0
    trigger: Trigger = field(default=UNSET)
    #: A provider follows the slot and receives every change of its level.
    linked: bool = False
    #: When a sensor's reading was last received, and the usual interval between them in seconds; 0 if unknown.
    read_at: float = 0.0
    interval: float = 0.0
    pending: PendingReading | None = None
    unconfirmed: UnconfirmedJump | None = None

    @property
    def is_followed(self) -> bool:
        return self.trigger.follow or self.linked

    @property
    def jumped(self) -> bool:
        return self.pending is not None or self.unconfirmed is not None

    @property
    def level(self) -> int:
        return self.books.level

    @property
    def held(self) -> int:
        return self.spec.held(self.level)

    @property
    def inferred(self) -> int:
        """Unreported quantity loaded by hand since the last reading; a reported refill reduces it."""
        return self.spec.inferred(self.level)

    @property
    def unexplained(self) -> int:
        """The part of `held` that opening, receipts and use do not explain."""
        return self.books.unexplained + self.held - self.level

    @property
    def state(self) -> str:
        if self.quarantined:
            return "quarantined"
        if self.level > 0:
            return "normal"
        return "empty" if self.level == 0 else "overdrawn"

    @property
    def accepts_any_seq(self) -> bool:
        """Whether the next counted report is in order regardless of its number, as after a quarantine."""
        return any(gap.boot_no == self.boot_no and gap.last is None for gap in self.gaps)

    @property
    def is_plain(self) -> bool:
        """Whether the statement of the hot path (store/hot.py) may apply the next report."""
        counting = self.trigger.armed and self.trigger.reports > 1
        return not (self.quarantined or counting or self.accepts_any_seq or self.pending)

    def days_so_far(self) -> list[UsedDay]:
        today = UsedDay(day_of(self.rate.until), self.books.used - self.days.before_today, self.held)
        return [*group_days(self.days.finished), today]

    def uncertainty_at(self, now: float) -> float:
        """Return the standard deviation of the level at `now`, in steps."""
        unseen = uncertainty.variance_of_unreported_refill(self.spec.capacity) if self.inferred else 0.0
        return uncertainty.standard_deviation(self.variance + unseen, now - self.received_at, self.rate)

    def run_out_after(self, at: float) -> float | None:
        """Return when the slot runs out (unix seconds), given its present quantity at `at`; None if after 100 years."""
        per_day = self.rate.per_day
        if self.held > LONGEST_RUN_DAYS * per_day:
            return None
        return at + self.held / per_day * DAY if self.held else at


def spec_of(customer_id: str, registered: SlotSpec, registration: int) -> Spec:
    return Spec(
        customer_id,
        registered.product_id,
        registered.name,
        registered.unit,
        registered.scale,
        registered.capacity,
        registered.loading,
        registered.fill,
        registration,
    )


def new_slot(customer_id: str, device_id: str, registered: SlotSpec, at: float, registration: int = 1) -> Slot:
    """Return a newly registered slot; its level was read by a person."""
    spec = spec_of(customer_id, registered, registration)
    return Slot(
        device_id,
        registered.slot,
        spec,
        Books(opening=registered.level),
        prior_rate(spec.capacity, at),
        Days(before_today=0),
        received_at=at,
        variance=uncertainty.variance_after_reading(ReadingKind.CORRECTED, spec.unit, spec.capacity),
    )


def carry_over(new: Slot, old: Slot) -> Slot:
    """Return the new device's slot with level, rate, days and trigger of the old one; its books start at that level.

    If product or unit differ, nothing is carried over.
    """
    if not new.spec.is_compatible(old.spec):
        return new
    return Slot(
        new.device_id,
        new.slot,
        new.spec,
        Books(opening=old.held),
        old.rate,
        Days(before_today=old.days.before_today - old.books.used, finished=old.days.finished),
        received_at=old.received_at,
        variance=old.variance,
        trigger=old.trigger,
    )
