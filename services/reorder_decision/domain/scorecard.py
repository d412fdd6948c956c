"""Provider scorecards: reliability and lead time, computed from finished orders.

Test orders, orders that customers cancelled, and orders of erased customers are not counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from math import ceil, floor

#: Promised times are meant as dates, so an order is on time until one day after the promised moment. A promised date
#: has no grace: its end is known.
GRACE = timedelta(days=1)
#: Prior of all rates: 9 of 10 orders are good, with the weight of 5 orders.
PRIOR_RATE = 0.9
PRIOR_ORDERS = 5

#: Reported deliveries needed before the learned lead time replaces the stated one.
ENOUGH_OBSERVATIONS = 5
#: Older deliveries are dropped, because providers change.
NEWEST_OBSERVATIONS = 50
#: Weight of the stated lead time, in deliveries.
PRIOR_OBSERVATIONS = 2
#: Share of orders that arrive within the learned lead time.
QUANTILE = 0.9


@dataclass(frozen=True, slots=True)
class Scorecard:
    """Counts and sums over a provider's finished orders, of one product or of all."""

    delivered: int = 0
    broken: int = 0
    promised: int = 0
    on_time: int = 0
    short: int = 0
    filled: float = 0.0
    priced: int = 0
    dearness: float = 0.0

    def __add__(self, other: "Scorecard") -> "Scorecard":
        return Scorecard(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class LeadTime:
    """Lead time in days from order to delivery, and whether it is learned or stated."""

    days: float
    learned: bool = False
    stated: float | None = None
    observations: int = 0


@dataclass(frozen=True, slots=True)
class OrderResult:
    """The outcome of one finished order."""

    ordered_at: datetime
    ordered: int
    delivered: bool
    received: int = 0
    promised_at: datetime | None = None
    #: Reported time of delivery; None if it is only estimated, because an estimate is no observation.
    came_at: datetime | None = None
    price: int | None = None
    billed: int | None = None
    #: If the provider promised a date without a time, whose end is `promised_at`.
    promised_date: date | None = None

    @property
    def took_days(self) -> float | None:
        if not self.delivered or self.came_at is None:
            return None
        return max(0.0, (self.came_at - self.ordered_at) / timedelta(days=1))


@dataclass(frozen=True, slots=True)
class Rates:
    """Expected rates of delivery, punctuality and completeness, and the billed / agreed price ratio."""

    comes: float
    on_time: float
    filled: float
    dearness: float

    @property
    def score(self) -> float:
        """Return 0 to 100: the product of the rates, divided by the price ratio if it exceeds 1."""
        return round(100 * self.comes * self.on_time * self.filled / max(1.0, self.dearness), 1)


def with_result(record: Scorecard, result: OrderResult) -> Scorecard:
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
        grace = GRACE if result.promised_date is None else timedelta(0)
        on_time = result.came_at <= result.promised_at + grace
        record = replace(record, promised=record.promised + 1, on_time=record.on_time + on_time)
    if result.price and result.billed is not None:
        record = replace(record, priced=record.priced + 1, dearness=record.dearness + result.billed / result.price)
    return record


def rates_of(record: Scorecard) -> Rates:
    """Return the expected rates.

    Each is the mean of a beta distribution, (k + w * p) / (n + w) of k good orders in n with the prior rate p = 0.9
    weighing as w = 5 orders (Gelman et al., Bayesian Data Analysis, section 2.4); dearness likewise, with prior 1.
    """
    return Rates(
        comes=_expected(record.delivered, record.delivered + record.broken),
        on_time=_expected(record.on_time, record.promised),
        filled=_expected(record.filled, record.delivered),
        dearness=_expected(record.dearness, record.priced, prior=1.0),
    )


def score_of(record: Scorecard | None) -> float:
    return rates_of(record or Scorecard()).score


def learn_lead_time(took_days: Sequence[float], stated: float | None) -> float | None:
    """Return the learned lead time in whole days; None if there are too few observations.

    The 0.9 quantile of the newest 50, to which the stated lead time is added as two more observations: a tenth of
    them may be lost parcels without effect. Definition 7 of Hyndman and Fan, Sample Quantiles in Statistical
    Packages (1996). Rounded up, so that triggers change only with whole days.
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
