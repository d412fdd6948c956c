"""A slot as consumption knows it: what it holds, how it counts, how fast it empties."""

from dataclasses import dataclass, field

from libs.contracts.events import BaseUnit, Fill, Loading, SlotSpec
from services.consumption.domain import doubt
from services.consumption.domain.days import Days, UsedDay, day_of, unpacked
from services.consumption.domain.gaps import Gaps
from services.consumption.domain.rate import DAY, Rate, first_guess
from services.consumption.domain.report import Look
from services.consumption.domain.trigger import UNSET, Trigger

#: Nobody plans further ahead, and datetime cannot count much further.
LONGEST_RUN_DAYS = 36_500.0


@dataclass(frozen=True, slots=True)
class Spec:
    """What was registered; unit and scale never change."""

    customer_id: str
    product_id: str
    name: str
    unit: BaseUnit
    scale: int
    capacity: int
    loading: Loading
    fill: Fill
    #: Of the device: how often it had been registered by then.
    registration: int = 1

    def held(self, level: int) -> int:
        """Return what the slot holds when uses and refills sum to this level.

        Below zero goods were used that nobody told of: of a cartridge changed by hand, a whole new one was there.
        """
        if level < 0 and self.loading is Loading.BY_HAND and self.fill is Fill.REPLACE:
            return level % self.capacity
        return max(0, level)

    def inferred(self, level: int) -> int:
        """Return what people must have loaded by hand, and did not report, for the level to be below zero."""
        return self.held(level) - level if self.loading is Loading.BY_HAND else 0

    def is_like(self, other: "Spec") -> bool:
        """Tell whether the other slot can go on with this one's figures."""
        return (self.product_id, self.unit, self.scale) == (other.product_id, other.unit, other.scale)


@dataclass(frozen=True, slots=True)
class Books:
    """Everything that ever moved the level; it is their sum, and Postgres checks that."""

    opening: int
    received: int = 0
    #: What devices reported as used.
    used_total: int = 0
    #: Use that only a drop between two measured levels showed.
    unreported: int = 0
    unexplained: int = 0

    @property
    def level(self) -> int:
        return self.opening + self.received - self.used + self.unexplained

    @property
    def used(self) -> int:
        return self.used_total + self.unreported


@dataclass(frozen=True, slots=True)
class Slot:
    """One slot. Its level is signed: uses of goods nobody told of take it below zero until something is seen.

    Signed, because sums commute: the same reports end in the same level in whatever order they come.
    People and other services are shown `held` and `unexplained`.
    """

    device_id: str
    slot: str
    spec: Spec
    books: Books
    rate: Rate
    days: Days
    heard_at: float
    variance: float
    boot: str | None = None
    #: How many boots were heard of; they are ordered by their first report.
    boot_no: int = 0
    last_seq: int = 0
    gaps: Gaps = ()
    quarantined: bool = False
    #: Reports that were applied before and came again.
    duplicates: int = 0
    trigger: Trigger = field(default=UNSET)
    #: A provider wants to hear of every use.
    linked: bool = False

    @property
    def is_followed(self) -> bool:
        """Tell whether every change of the level is told."""
        return self.trigger.follow or self.linked

    @property
    def level(self) -> int:
        return self.books.level

    @property
    def held(self) -> int:
        """Return what the slot holds: a slot cannot hold less than nothing."""
        return self.spec.held(self.level)

    @property
    def inferred(self) -> int:
        """Return what was loaded without a word since somebody looked; a refill that is reported pays it off."""
        return self.spec.inferred(self.level)

    @property
    def unexplained(self) -> int:
        """Return what opening, receipts and use leave unexplained of what the slot holds."""
        return self.books.unexplained + self.held - self.level

    @property
    def state(self) -> str:
        """Return what people are told about the slot: `quarantined`, `overdrawn`, `empty` or `normal`."""
        if self.quarantined:
            return "quarantined"
        if self.level > 0:
            return "normal"
        return "empty" if self.level == 0 else "overdrawn"

    @property
    def counts_anew(self) -> bool:
        """Tell whether the next counted report, whatever its number, is the next: so after a quarantine."""
        return any(gap.boot_no == self.boot_no and gap.last is None for gap in self.gaps)

    @property
    def is_plain(self) -> bool:
        """Tell whether the hot path's statement may take the next report."""
        counting = self.trigger.armed and self.trigger.reports > 1
        return not (self.quarantined or counting or self.counts_anew)

    def days_so_far(self) -> list[UsedDay]:
        """Return the finished days not filed yet and the one that is still going on."""
        today = UsedDay(day_of(self.rate.until), self.books.used - self.days.before_today, self.held)
        return [*unpacked(self.days.finished), today]

    def doubt_at(self, now: float) -> float:
        """Return the level's standard deviation at that time, in steps."""
        unseen = doubt.of_unseen_loading(self.spec.capacity) if self.inferred else 0.0
        return doubt.standard_deviation(self.variance + unseen, now - self.heard_at, self.rate)

    def run_out_after(self, at: float) -> float | None:
        """Return when the slot will be empty if it held what it holds at `at`, None if not in this age."""
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
    """Return a slot that was just registered with the level somebody read off."""
    spec = spec_of(customer_id, registered, registration)
    return Slot(
        device_id,
        registered.slot,
        spec,
        Books(opening=registered.level),
        first_guess(spec.capacity, at),
        Days(before_today=0),
        heard_at=at,
        variance=doubt.after_look(Look.CORRECTED, spec.unit, spec.capacity),
    )


def taking_over(new: Slot, old: Slot) -> Slot:
    """Return the new device's slot with the old one's level, rate and trigger; its books begin anew.

    A slot of another product or unit takes over nothing.
    """
    if not new.spec.is_like(old.spec):
        return new
    return Slot(
        new.device_id,
        new.slot,
        new.spec,
        Books(opening=old.held),
        old.rate,
        Days(before_today=old.days.before_today - old.books.used, finished=old.days.finished),
        heard_at=old.heard_at,
        variance=old.variance,
        trigger=old.trigger,
    )
