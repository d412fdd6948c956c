"""How fast a slot empties: discounted use over discounted time.

EWMA over irregular intervals, weight 1 - exp(-dt / tau), kept as numerator and denominator.
That is the discounted Gamma-Poisson model (West & Harrison 1997, ch. 14): both parts fade by exp(-dt / tau),
and the prior fades with them, so a new slot learns fast and an old one settles at a memory of tau.
The SQL of the hot path (store/hot.py) says the same; a property test holds them together.
"""

from dataclasses import dataclass
from math import exp

DAY = 86_400.0
#: The memory: DECISION-BENCH.md's learner uses it too; two weeks see each weekday twice.
TAU_DAYS = 14.0
TAU_SECONDS = TAU_DAYS * DAY
#: Before anything is known a filling is taken to last a month, and that guess weighs as much as two days.
PRIOR_DAYS_PER_FILLING = 30.0
PRIOR_WEIGHT_DAYS = 2.0
#: Reports of the same second share it; a zero interval has no rate.
SHORTEST_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Rate:
    """`use` steps in `days` of observation, both discounted, as of `until` (unix seconds)."""

    use: float
    days: float
    until: float

    @property
    def per_day(self) -> float:
        return self.use / self.days

    @property
    def prior_share(self) -> float:
        """Return about how much of the rate is still the first guess: 1 at the start, then towards 0."""
        return min(
            1.0, PRIOR_WEIGHT_DAYS / self.days * max(0.0, (TAU_DAYS - self.days) / (TAU_DAYS - PRIOR_WEIGHT_DAYS))
        )

    def after(self, used: int, at: float) -> "Rate":
        """Return the rate after a report that `used` steps went since the last one."""
        elapsed = max(at - self.until, SHORTEST_SECONDS)
        kept = exp(-elapsed / TAU_SECONDS)
        spread = used * TAU_SECONDS / elapsed
        return Rate(
            spread + (self.use - spread) * kept,
            TAU_DAYS + (self.days - TAU_DAYS) * kept,
            max(self.until, at),
        )

    def with_late(self, used: int) -> "Rate":
        """Return the rate after use whose time was counted before, without it.

        `used` is negative where a late report explains what was taken for use; of that, part has faded already.
        """
        return Rate(max(0.0, self.use + used), self.days, self.until)

    def skipping_to(self, at: float) -> "Rate":
        """Leave time out in which nothing could be used or seen: demand was missing then, not zero."""
        return Rate(self.use, self.days, max(self.until, at))


def first_guess(capacity: int, at: float) -> Rate:
    """Return the rate of a slot that never reported."""
    return Rate(capacity / PRIOR_DAYS_PER_FILLING * PRIOR_WEIGHT_DAYS, PRIOR_WEIGHT_DAYS, at)
