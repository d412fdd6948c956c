"""What is known of a provider from its orders: how well it keeps its word, and how long it really takes.

Both come from facts about orders only. Rehearsals, orders that customers gave up, and orders whose customer left,
tell nothing about a provider and are not counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil, floor

#: A date is a day, not an hour: an order is on time until a day after the moment that was promised.
GRACE = timedelta(days=1)
#: A provider nobody knows is taken for one that keeps nine of ten promises; it weighs as much as five orders.
PRIOR_RATE = 0.9
PRIOR_ORDERS = 5

#: So many deliveries must have been reported before they count instead of the stated lead time.
ENOUGH_OBSERVATIONS = 5
#: Older deliveries tell how the provider was, not how it is.
NEWEST_OBSERVATIONS = 50
#: The stated lead time weighs as much as so many deliveries.
PRIOR_OBSERVATIONS = 2
#: Nine of ten orders come within the learned lead time.
QUANTILE = 0.9


@dataclass(frozen=True, slots=True)
class Record:
    """A provider's orders of one product, or of all, in numbers."""

    delivered: int = 0
    broken: int = 0
    promised: int = 0
    on_time: int = 0
    short: int = 0
    filled: float = 0.0
    priced: int = 0
    dearness: float = 0.0

    def __add__(self, other: "Record") -> "Record":
        return Record(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class Lead:
    """How many days goods take from the order to the door, and how we know."""

    days: float
    learned: bool = False
    stated: float | None = None
    observations: int = 0


@dataclass(frozen=True, slots=True)
class Result:
    """What one order came to."""

    ordered_at: datetime
    ordered: int
    delivered: bool
    received: int = 0
    promised_at: datetime | None = None
    #: When the goods came, if somebody said so; a delivery that is only estimated teaches nothing about time.
    came_at: datetime | None = None
    price: int | None = None
    billed: int | None = None

    @property
    def took_days(self) -> float | None:
        if not self.delivered or self.came_at is None:
            return None
        return max(0.0, (self.came_at - self.ordered_at) / timedelta(days=1))


@dataclass(frozen=True, slots=True)
class Rates:
    """How likely the next order comes, in time, whole; and how much dearer than agreed it will be (1 = as agreed)."""

    comes: float
    on_time: float
    filled: float
    dearness: float

    @property
    def score(self) -> float:
        """Return 0 to 100: the chance that an order comes, in time and whole, less what it costs beyond its price."""
        return round(100 * self.comes * self.on_time * self.filled / max(1.0, self.dearness), 1)


def added(record: Record, result: Result) -> Record:
    """Add what one order came to."""
    if not result.delivered:
        return replace(record, broken=record.broken + 1)
    share = min(1.0, result.received / result.ordered) if result.ordered else 1.0
    record = replace(
        record,
        delivered=record.delivered + 1,
        short=record.short + (share < 1),
        filled=record.filled + share,
    )
    if result.promised_at is not None and result.came_at is not None:
        on_time = result.came_at <= result.promised_at + GRACE
        record = replace(record, promised=record.promised + 1, on_time=record.on_time + on_time)
    if result.price and result.billed is not None:
        record = replace(record, priced=record.priced + 1, dearness=record.dearness + result.billed / result.price)
    return record


def rates_of(record: Record) -> Rates:
    """Return the rates that a record lets expect.

    Each is the mean of a beta distribution, (k + w * p) / (n + w) of k good orders in n with the prior rate p = 0.9
    weighing as w = 5 orders (Gelman et al., Bayesian Data Analysis, section 2.4); dearness likewise, with prior 1.
    """
    return Rates(
        comes=_expected(record.delivered, record.delivered + record.broken),
        on_time=_expected(record.on_time, record.promised),
        filled=_expected(record.filled, record.delivered),
        dearness=_expected(record.dearness, record.priced, prior=1.0),
    )


def score_of(record: Record | None) -> float:
    return rates_of(record or Record()).score


def learn(took_days: Sequence[float], stated: float | None) -> float | None:
    """Return the lead time that observed ones teach, in whole days; None while there are too few.

    The 0.9 quantile of the newest 50, to which the stated lead time is added as two more observations: a tenth of
    them may be lost parcels without any effect. Definition 7 of Hyndman and Fan, Sample Quantiles in Statistical
    Packages (1996). Rounded up: a pool is asked anew only when a whole day changes.
    """
    newest = list(took_days)[-NEWEST_OBSERVATIONS:]
    if len(newest) < ENOUGH_OBSERVATIONS:
        return None
    sample = sorted(newest + [stated] * PRIOR_OBSERVATIONS if stated is not None else newest)
    place = QUANTILE * (len(sample) - 1)
    below, above = sample[floor(place)], sample[ceil(place)]
    return float(ceil(round(below + (place - floor(place)) * (above - below), 6)))


def _expected(good: float, orders: int, prior: float = PRIOR_RATE) -> float:
    return (good + PRIOR_ORDERS * prior) / (orders + PRIOR_ORDERS)
