"""Quantities in a slot's own steps: one step is 10**-scale of its base unit.

Conversion is exact. An amount in a metric unit (kg for a slot in grams) must be a whole number of steps, or it is
refused. Customary units (lb, fl oz, gal) are never whole in metric steps: they are rounded to the nearest step, half to
even, and refused if a positive amount would become 0. A measured amount is rounded in the same way in any unit, also
to 0.
"""

from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from replenish_contracts.units.amounts import to_fraction
from replenish_contracts.units.refusals import NotWholeError, OutOfRangeError
from replenish_contracts.units.spellings import SYMBOLS, BaseUnit, UnitSystem, find_unit

#: Larger integers are not exact in every JSON reader.
MOST_STEPS = 2**53


class Conversion(NamedTuple):
    """An amount in steps of a slot, and whether it is exact or was rounded."""

    steps: int
    exact: bool


def parse_quantity(
    amount: str | float | Decimal, unit: str, *, base: BaseUnit, scale: int, system: UnitSystem | None = None
) -> int:
    """Return the amount in steps of a slot; raises InvalidAmountError with a remedy."""
    return convert_quantity(amount, unit, base=base, scale=scale, system=system).steps


def convert_quantity(  # the slot's unit, scale and system are named
    amount: str | float | Decimal,
    unit: str,
    *,
    base: BaseUnit,
    scale: int,
    system: UnitSystem | None = None,
    measured: bool = False,
) -> Conversion:
    """Return the amount in steps of a slot; raises InvalidAmountError with a remedy.

    A `measured` amount is rounded if it is finer than a step; any other metric one is refused.
    """
    known = find_unit(unit, base, system)
    steps = to_fraction(amount) * known.factor * Fraction(10) ** scale
    if steps > MOST_STEPS:
        raise OutOfRangeError(f"{str(amount)[:40]} {unit} is more than any slot holds", "send the amount of one report")
    whole = round(steps)
    if whole != steps and not measured and (not known.customary or whole == 0):
        raise NotWholeError(
            f"{str(amount)[:40]} {unit} is finer than this slot's step",
            f"send a multiple of {format_quantity(1, scale)} {SYMBOLS[base] or 'piece'}",
        )
    return Conversion(whole, whole == steps)


def format_quantity(steps: int, scale: int) -> str:
    """Format steps as an exact decimal of the base unit, without symbol and trailing zeros."""
    sign, digits = "-" if steps < 0 else "", str(abs(steps)).rjust(scale + 1, "0")
    whole, fraction = digits[: len(digits) - scale], digits[len(digits) - scale :].rstrip("0")
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"
