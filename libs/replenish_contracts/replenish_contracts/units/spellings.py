"""Spellings of units by devices, providers and people, and their factors to base units."""

import re
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from replenish_contracts.units.refusals import AmbiguousUnitError, UnknownUnitError, WrongDimensionError


class BaseUnit(StrEnum):
    """What one step of a slot measures, by its UN/CEFACT Recommendation 20 code."""

    EACH = "C62"
    GRAM = "GRM"
    MILLILITRE = "MLT"
    PERCENT = "P1"


#: Symbols of base units in texts for people.
SYMBOLS = {BaseUnit.EACH: "", BaseUnit.GRAM: "g", BaseUnit.MILLILITRE: "ml", BaseUnit.PERCENT: "%"}
DIMENSIONS = {
    BaseUnit.EACH: ("a count", '"count" or "pods"'),
    BaseUnit.GRAM: ("a weight", '"g", "kg", "oz" or "lb"'),
    BaseUnit.MILLILITRE: ("a volume", '"ml", "l" or "fl oz"'),
    BaseUnit.PERCENT: ("a percentage", '"%"'),
}


@dataclass(frozen=True)
class Unit:
    """A unit as a multiple of a base unit; amounts in `customary` units are rounded to a step."""

    base: BaseUnit
    factor: Fraction
    customary: bool = False


# The avoirdupois pound is 0.45359237 kg (1959); the US gallon of 128 fl oz is 231 cubic inches of 2.54 cm.
POUND = Unit(BaseUnit.GRAM, Fraction("453.59237"), customary=True)
OUNCE = Unit(BaseUnit.GRAM, POUND.factor / 16, customary=True)
US_FLUID_OUNCE = Unit(BaseUnit.MILLILITRE, 231 * Fraction("2.54") ** 3 / 128, customary=True)
UK_FLUID_OUNCE = Unit(BaseUnit.MILLILITRE, Fraction("28.4130625"), customary=True)

#: Separated by bars; case, dots, underscores, hyphens and repeated spaces are ignored.
SPELLINGS = {
    "C62 | H87 | each | ea | count | counts | ct | piece | pieces | pc | pcs | item | items | unit | units | "
    "pod | pods | capsule | capsules | sheet | sheets | tab | tabs | tablet | tablets | pad | pads | bag | bags | "
    "roll | rolls": Unit(BaseUnit.EACH, Fraction(1)),
    "GRM | g | gr | gram | grams | gramme | grammes": Unit(BaseUnit.GRAM, Fraction(1)),
    "MGM | mg | milligram | milligrams": Unit(BaseUnit.GRAM, Fraction(1, 1000)),
    "KGM | kg | kgs | kilo | kilos | kilogram | kilograms | kilogramme | kilogrammes": Unit(
        BaseUnit.GRAM, Fraction(1000)
    ),
    "LBR | lb | lbs | pound | pounds": POUND,
    "ONZ | oz wt | wt oz | oz av | avoirdupois ounce | avoirdupois ounces | weight ounce | weight ounces": OUNCE,
    "MLT | ml | milliliter | milliliters | millilitre | millilitres": Unit(BaseUnit.MILLILITRE, Fraction(1)),
    "DLT | dl | deciliter | deciliters | decilitre | decilitres": Unit(BaseUnit.MILLILITRE, Fraction(100)),
    "CLT | cl | centiliter | centiliters | centilitre | centilitres": Unit(BaseUnit.MILLILITRE, Fraction(10)),
    "LTR | l | lt | ltr | ltrs | liter | liters | litre | litres": Unit(BaseUnit.MILLILITRE, Fraction(1000)),
    "OZA | fl oz | floz | us fl oz | fl ounce | fl ounces | fluid oz | fluid ounce | fluid ounces | us fluid ounce | "
    "us fluid ounces": US_FLUID_OUNCE,
    "OZI | uk fl oz | imp fl oz | imperial fluid ounce | imperial fluid ounces": UK_FLUID_OUNCE,
    "P1 | % | percent | percents | per cent | percentage | pct": Unit(BaseUnit.PERCENT, Fraction(1)),
}
UNITS = {spelling.strip().casefold(): unit for row, unit in SPELLINGS.items() for spelling in row.split("|")}
#: Can be a weight or a volume, depending on the slot.
AMBIGUOUS = {"oz", "ounce", "ounces"}
OUNCES = {BaseUnit.GRAM: OUNCE, BaseUnit.MILLILITRE: US_FLUID_OUNCE}


def base_unit(spelling: str) -> BaseUnit:
    """Return the base unit of this spelling; raises AmbiguousUnitError for a bare ounce, or UnknownUnitError."""
    return find_unit(spelling, None).base


def find_unit(spelling: str, base: BaseUnit | None) -> Unit:
    """Return the unit of this spelling, for a slot with the unit `base` if that is known.

    Raises UnknownUnitError, WrongDimensionError, or AmbiguousUnitError for a bare ounce if `base` is None.
    """
    written = re.sub(r"[\s._-]+", " ", spelling[:80]).strip().casefold()
    if written in AMBIGUOUS and base is None:
        raise AmbiguousUnitError(
            f"{spelling!r} can be a weight or a volume",
            'send "oz wt" for a weight or "fl oz" for a volume (or g, kg, lb, ml, l)',
        )
    unit = OUNCES.get(base) if base and written in AMBIGUOUS else UNITS.get(written)
    if unit is None and written not in AMBIGUOUS:
        raise UnknownUnitError(f"{spelling[:40]!r} is not a supported unit", f"send {_known(base)}")
    if unit is None or base not in {None, unit.base}:
        measured, _ = DIMENSIONS[base or BaseUnit.EACH]
        raise WrongDimensionError(
            f"{spelling!r} does not measure {measured}, which this slot holds", f"send {_known(base)}"
        )
    return unit


def _known(base: BaseUnit | None) -> str:
    return ", ".join(words for known, (_, words) in DIMENSIONS.items() if base in {None, known})
