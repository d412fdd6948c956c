"""Spellings of units by devices, providers and people, and their factors to base units."""

import re
import unicodedata
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


class UnitSystem(StrEnum):
    """System of gallons, quarts, pints, cups and fluid ounces; an imperial gallon holds a fifth more than a US one."""

    US = "us"
    IMPERIAL = "imperial"


#: Symbols of base units in texts for people.
SYMBOLS = {BaseUnit.EACH: "", BaseUnit.GRAM: "g", BaseUnit.MILLILITRE: "ml", BaseUnit.PERCENT: "%"}
#: What a slot of this unit holds, and the accepted units.
DIMENSIONS = {
    BaseUnit.EACH: ("a count", '"count" or "pods" (also each, piece, item, capsule, sheet, tablet, pad, bag, roll)'),
    BaseUnit.GRAM: ("a weight", '"g", "mg", "kg", "oz", "lb" or "st"'),
    BaseUnit.MILLILITRE: (
        "a volume",
        '"ml", "cl", "dl", "l", "m3", or "us" or "imp" with "fl oz", "cup", "pt", "qt", "gal"',
    ),
    BaseUnit.PERCENT: ("a percentage", '"%"'),
}


@dataclass(frozen=True)
class Unit:
    """A unit as a multiple of a base unit; amounts in `customary` units are rounded to a step."""

    base: BaseUnit
    factor: Fraction
    customary: bool = False


def _volume(millilitres: str | Fraction, *, customary: bool = False) -> Unit:
    return Unit(BaseUnit.MILLILITRE, Fraction(millilitres), customary)


# The avoirdupois pound is 0.45359237 kg (1959). The US gallon of 128 fl oz is 231 cubic inches of 2.54 cm. The imperial
# gallon of 160 fl oz is 4.54609 l (Weights and Measures Act 1985). NIST Handbook 44, appendix C, has the multiples.
POUND = Unit(BaseUnit.GRAM, Fraction("453.59237"), customary=True)
OUNCE = Unit(BaseUnit.GRAM, POUND.factor / 16, customary=True)
CUBIC_INCH = Fraction("2.54") ** 3
GALLONS = {UnitSystem.US: 231 * CUBIC_INCH, UnitSystem.IMPERIAL: Fraction("4546.09")}
FLUID_OUNCES_PER_GALLON = {UnitSystem.US: 128, UnitSystem.IMPERIAL: 160}
#: Words for the system, before or after the measure; "br" is UCUM's.
SYSTEM_WORDS = {
    UnitSystem.US: ("us", "u s", "us liquid", "us liq", "us customary"),
    UnitSystem.IMPERIAL: ("imp", "imperial", "uk", "u k", "br", "british"),
}
FLUID_OUNCE = "fl oz | floz | foz | fl ounce | fl ounces | fluid oz | fluid ounce | fluid ounces"
#: How many of these are one gallon; None: as many as it has fluid ounces.
MEASURES = {
    "gal | gals | gallon | gallons": 1,
    "qt | qts | quart | quarts": 4,
    "pt | pts | pint | pints": 8,
    "cup | cups": 16,
    FLUID_OUNCE: None,
}

#: Separated by bars; case, width, dots, underscores, hyphens, brackets and repeated spaces are ignored.
SPELLINGS = {
    "C62 | H87 | each | ea | count | counts | ct | piece | pieces | pc | pcs | item | items | unit | units | "
    "pod | pods | capsule | capsules | sheet | sheets | tab | tabs | tablet | tablets | pad | pads | bag | bags | "
    "roll | rolls": Unit(BaseUnit.EACH, Fraction(1)),
    "GRM | g | gr | gram | grams | gramme | grammes": Unit(BaseUnit.GRAM, Fraction(1)),
    "MC | µg | ug | mcg | microgram | micrograms": Unit(BaseUnit.GRAM, Fraction(1, 1_000_000)),
    "MGM | mg | milligram | milligrams": Unit(BaseUnit.GRAM, Fraction(1, 1000)),
    "KGM | kg | kgs | kilo | kilos | kilogram | kilograms | kilogramme | kilogrammes": Unit(
        BaseUnit.GRAM, Fraction(1000)
    ),
    "LBR | lb | lbs | pound | pounds": POUND,
    "ONZ | oz wt | wt oz | oz av | avoirdupois ounce | avoirdupois ounces | weight ounce | weight ounces": OUNCE,
    "STI | st | stone | stones": Unit(BaseUnit.GRAM, 14 * POUND.factor, customary=True),
    "MLT | ml | milliliter | milliliters | millilitre | millilitres": _volume("1"),
    "CMQ | cm3 | cc | ccm | cubic centimeter | cubic centimeters | cubic centimetre | cubic centimetres": _volume("1"),
    "MMQ | mm3 | 4G | µl | ul | microliter | microliters | microlitre | microlitres": _volume("0.001"),
    "DLT | dl | deciliter | deciliters | decilitre | decilitres": _volume("100"),
    "CLT | cl | centiliter | centiliters | centilitre | centilitres": _volume("10"),
    "LTR | l | lt | ltr | ltrs | liter | liters | litre | litres | DMQ | dm3 | cubic decimeter | cubic decimeters | "
    "cubic decimetre | cubic decimetres": _volume("1000"),
    "HLT | hl | hectoliter | hectoliters | hectolitre | hectolitres": _volume("100000"),
    "MTQ | m3 | cbm | cubic meter | cubic meters | cubic metre | cubic metres": _volume("1000000"),
    "INQ | in3 | cu in | cubic inch | cubic inches": _volume(CUBIC_INCH, customary=True),
    "FTQ | ft3 | cu ft | cubic foot | cubic feet": _volume(1728 * CUBIC_INCH, customary=True),
    "metric cup | metric cups": _volume("250"),
    "P1 | % | percent | percents | per cent | percentage | pct": Unit(BaseUnit.PERCENT, Fraction(1)),
}
#: UN/CEFACT codes that name the system: gallon, quart, pint, fluid ounce.
CODES = {
    UnitSystem.US: {"GLL": 1, "QTL": 4, "PTL": 8, "OZA": 128},
    UnitSystem.IMPERIAL: {"GLI": 1, "QTI": 4, "PTI": 8, "OZI": 160},
}


def _normalize(spelling: str) -> str:
    """Return the spelling as the tables have it; compatibility characters are replaced, so m³ is m3."""
    written = unicodedata.normalize("NFKC", re.sub(r"[\s._()\[\]-]+", " ", spelling[:80]))
    return written.strip().casefold()


def _words(row: str) -> list[str]:
    return [_normalize(word) for word in row.split("|")]


def _part_of_gallon(system: UnitSystem, parts: int | None) -> Unit:
    return _volume(GALLONS[system] / (parts or FLUID_OUNCES_PER_GALLON[system]), customary=True)


#: By system, the units of spellings that name it, such as "us gal", "gal (imp)" or "GLI".
NAMED = {
    system: {
        _normalize(spelled): _part_of_gallon(system, parts)
        for row, parts in MEASURES.items()
        for name in _words(row)
        for word in SYSTEM_WORDS[system]
        for spelled in (f"{word} {name}", f"{name} {word}")
    }
    | {code.casefold(): _part_of_gallon(system, parts) for code, parts in CODES[system].items()}
    for system in UnitSystem
}
#: Spellings that do not name the system; the slot does.
PLAIN = {
    name: {system: _part_of_gallon(system, parts) for system in UnitSystem}
    for row, parts in MEASURES.items()
    for name in _words(row)
}
#: Fluid ounces of a slot without a system are US ones: they differ by 4 %, other measures by 20 %.
PLAIN_FLUID_OUNCES = frozenset(_words(FLUID_OUNCE))
UNITS = (
    {name: unit for row, unit in SPELLINGS.items() for name in _words(row)}
    | NAMED[UnitSystem.US]
    | NAMED[UnitSystem.IMPERIAL]
    | {name: PLAIN[name][UnitSystem.US] for name in PLAIN_FLUID_OUNCES}
)
#: Can be a weight or a volume, depending on the slot.
OUNCES = {"oz", "ounce", "ounces"}


def base_unit(spelling: str) -> BaseUnit:
    """Return the base unit of this spelling; raises AmbiguousUnitError for a bare ounce, or UnknownUnitError."""
    return find_unit(spelling, None).base


def unit_system(spelling: str) -> UnitSystem | None:
    """Return the system that this spelling names, or None."""
    written = _normalize(spelling)
    return next((system for system, units in NAMED.items() if written in units), None)


def find_unit(spelling: str, base: BaseUnit | None, system: UnitSystem | None = None) -> Unit:
    """Return the unit of this spelling, for a slot with the unit `base` and the system `system` if those are known.

    Raises UnknownUnitError, WrongDimensionError, or AmbiguousUnitError: for a bare ounce if `base` is None, and for a
    gallon, quart, pint or cup without a system if `base` is known.
    """
    written = _normalize(spelling)
    if written in OUNCES:
        if base is None:
            raise AmbiguousUnitError(
                f"{spelling!r} can be a weight or a volume",
                'send "oz wt" for a weight or "fl oz" for a volume (or g, kg, lb, ml, l)',
            )
        if base is BaseUnit.GRAM:
            return OUNCE
        written = "fl oz"
    unit = PLAIN[written][system or UnitSystem.US] if written in PLAIN else UNITS.get(written)
    if unit is None:
        raise UnknownUnitError(f"{spelling[:40]!r} is not a supported unit", f"send {_accepted(base)}")
    if base not in {None, unit.base}:
        measured, _ = DIMENSIONS[base or BaseUnit.EACH]
        raise WrongDimensionError(
            f"{spelling!r} does not measure {measured}, which this slot holds", f"send {_accepted(base)}"
        )
    if base and system is None and written in PLAIN.keys() - PLAIN_FLUID_OUNCES:
        raise AmbiguousUnitError(
            f"{spelling!r} can be a US or an imperial unit",
            f'send "us {written}" or "imp {written}", or register the slot with the unit_system "us" or "imperial"',
        )
    return unit


def _accepted(base: BaseUnit | None) -> str:
    return ", ".join(words for known, (_, words) in DIMENSIONS.items() if base in {None, known})
