"""Uncertainty of a slot's level, kept as a variance in steps squared."""

from math import sqrt

from replenish_contracts.events import BaseUnit
from services.consumption.domain.rate import DAY, Rate
from services.consumption.domain.report import ReadingKind

#: Dispensers count to within about 2 % of the dispensed quantity.
REPORT_ERROR = 0.02
REPORT_VARIANCE = REPORT_ERROR * REPORT_ERROR
#: Variance of a uniform distribution of width 1: a reading rounded to whole steps.
ROUNDING_VARIANCE = 1 / 12
#: Levels of powder or liquid are estimated by eye to within about a twentieth of the capacity.
VISUAL_ERROR = 0.05


def variance_after_reading(kind: ReadingKind, unit: BaseUnit, capacity: int) -> float:
    """Return the variance of a new reading; people count pieces and estimate everything else by eye."""
    if kind is ReadingKind.CORRECTED and unit is not BaseUnit.EACH:
        return ROUNDING_VARIANCE + (VISUAL_ERROR * capacity) ** 2
    return ROUNDING_VARIANCE


def variance_of_missing(missing: int, elapsed_seconds: float, rate: Rate) -> float:
    """Return the variance of missing reports: their share of the use expected since the last one, squared."""
    share = missing / (missing + 1)
    return (rate.per_day * max(0.0, elapsed_seconds) / DAY * share) ** 2


def variance_of_unreported_refill(capacity: int) -> float:
    """Return the variance of an unreported refill: the level is uniform between 0 and the capacity."""
    return capacity**2 / 12


def standard_deviation(variance: float, silent_seconds: float, rate: Rate) -> float:
    """Return the standard deviation of the level in steps, `silent_seconds` after the last report.

    The standard deviation of one day's use is taken to equal its mean (Poisson, one use a day), so T days add
    rate^2 * T. The rate is estimated from `rate.days` only, which adds (rate * T)^2 / days. The sum is the usual
    predictive variance.
    """
    silent = max(0.0, silent_seconds) / DAY
    unseen = rate.per_day**2 * (silent + silent**2 / rate.days)
    return sqrt(max(0.0, variance) + unseen)
