"""How far a slot's level may be off, as a variance in steps squared."""

from math import sqrt

from libs.contracts.events import BaseUnit
from services.consumption.domain.rate import DAY, Rate
from services.consumption.domain.report import Look

#: A dispenser's count is good to about 2 % of what it dispenses.
REPORT_ERROR = 0.02
REPORT_VARIANCE = REPORT_ERROR * REPORT_ERROR
#: A reading rounded to the step is uniform within it.
ROUNDING_VARIANCE = 1 / 12
#: Somebody who looks at powder or liquid is good to about a twentieth of the whole.
GLANCE_ERROR = 0.05


def after_look(look: Look, unit: BaseUnit, capacity: int) -> float:
    """Return the variance of a level that was just seen; pieces are counted, the rest is judged by eye."""
    if look is Look.CORRECTED and unit is not BaseUnit.EACH:
        return ROUNDING_VARIANCE + (GLANCE_ERROR * capacity) ** 2
    return ROUNDING_VARIANCE


def of_missing(missing: int, elapsed_seconds: float, rate: Rate) -> float:
    """Return what missing reports add: their share of the use expected since the last one, squared."""
    share = missing / (missing + 1)
    return (rate.per_day * max(0.0, elapsed_seconds) / DAY * share) ** 2


def of_unseen_loading(capacity: int) -> float:
    """Return what a loading nobody reported adds: anything up to the brim may be left of it."""
    return capacity**2 / 12


def standard_deviation(variance: float, silent_seconds: float, rate: Rate) -> float:
    """Return how far off the level may be after so much silence, in steps.

    One day's use is taken to scatter as much as its mean (Poisson, one use a day), so T days add rate^2 * T;
    that the mean is known from only `rate.days` adds (rate * T)^2 / days: the usual predictive variance.
    """
    silent = max(0.0, silent_seconds) / DAY
    unseen = rate.per_day**2 * (silent + silent**2 / rate.days)
    return sqrt(max(0.0, variance) + unseen)
