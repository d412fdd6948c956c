"""How fast a slot empties: discounted use over discounted time.

EWMA over irregular intervals, weight 1 - exp(-dt / tau), kept as numerator and denominator.
That is the discounted Gamma-Poisson model (West & Harrison 1997, ch. 14): both parts fade by exp(-dt / tau),
and the prior fades with them, so a new slot adapts fast and an old one has a memory of tau.
The SQL of the hot path (store/hot.py) repeats this arithmetic; a property test compares the two.
"""

from dataclasses import dataclass
from math import exp

DAY = 86_400.0
#: Two weeks contain each weekday twice.
TAU_DAYS = 14.0
TAU_SECONDS = TAU_DAYS * DAY
#: Prior: one filling lasts a month, weighted like two days of observation.
PRIOR_DAYS_PER_FILLING = 30.0
PRIOR_WEIGHT_DAYS = 2.0
#: Shortest interval between reports; a zero interval has no rate.
SHORTEST_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Rate:
    """`use` steps in `days` of observation, both discounted to `until` (unix seconds)."""

    use: float
    days: float
    until: float

    @property
    def per_day(self) -> float:
        return self.use / self.days

    @property
    def prior_share(self) -> float:
        """Approximate share of the prior in the rate: 1 at the start, approaching 0."""
        return min(
            1.0, PRIOR_WEIGHT_DAYS / self.days * max(0.0, (TAU_DAYS - self.days) / (TAU_DAYS - PRIOR_WEIGHT_DAYS))
        )

    def after(self, used: int, at: float) -> "Rate":
        elapsed = max(at - self.until, SHORTEST_SECONDS)
        kept = exp(-elapsed / TAU_SECONDS)
        spread = used * TAU_SECONDS / elapsed
        return Rate(
            spread + (self.use - spread) * kept,
            TAU_DAYS + (self.days - TAU_DAYS) * kept,
            max(self.until, at),
        )

    def with_late(self, used: int) -> "Rate":
        """Add use from a late report, whose time was counted as observed before.

        `used` is negative if the late report explains something that was booked as use; part of that has been
        discounted already.
        """
        return Rate(max(0.0, self.use + used), self.days, self.until)

    def without(self, use: float, at: float) -> "Rate":
        """Remove use that was added to the discounted use at `at`; its time stays observed."""
        return Rate(max(0.0, self.use - use * exp(min(0.0, at - self.until) / TAU_SECONDS)), self.days, self.until)

    def skipping_to(self, at: float) -> "Rate":
        """Exclude the time until `at`: demand was not observable, which is not the same as zero."""
        return Rate(self.use, self.days, max(self.until, at))


def prior_rate(capacity: int, at: float) -> Rate:
    return Rate(capacity / PRIOR_DAYS_PER_FILLING * PRIOR_WEIGHT_DAYS, PRIOR_WEIGHT_DAYS, at)
