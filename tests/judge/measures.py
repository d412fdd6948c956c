"""Converts reported quantities to base steps exactly, with a table independent of the services."""

from decimal import Decimal
from fractions import Fraction

EACH, GRAM, MILLILITRE, PERCENT = "C62", "GRM", "MLT", "P1"
_LITRE = Fraction(1000)
_KILOGRAM = Fraction(1000)
_POUND = Fraction(Decimal("453.59237"))  # the international pound in grams, by definition
_OUNCE = _POUND / 16
_FLUID_OUNCE = Fraction(Decimal("29.5735295625"))  # the US fluid ounce in millilitres, by definition

#: Spelling -> {base unit: factor}. "oz" and "ounce" are a mass or a volume; the slot's unit decides.
MEASURES: dict[str, dict[str, Fraction]] = {
    **{word: {EACH: Fraction(1)} for word in ("C62", "count", "pod", "pods", "sheet", "sheets", "each", "piece")},
    **{word: {GRAM: Fraction(1)} for word in ("GRM", "g", "gram", "grams")},
    **{word: {GRAM: _KILOGRAM} for word in ("KGM", "kg", "kilogram", "kilograms")},
    **{word: {GRAM: _POUND} for word in ("LBR", "lb", "lbs", "pound", "pounds")},
    **{word: {MILLILITRE: Fraction(1)} for word in ("MLT", "ml", "milliliter", "milliliters", "millilitre")},
    **{word: {MILLILITRE: _LITRE} for word in ("LTR", "l", "L", "lt", "Lt", "liter", "liters", "litre", "litres")},
    **{word: {MILLILITRE: _FLUID_OUNCE} for word in ("OZA", "fl oz", "floz")},
    **{word: {GRAM: _OUNCE, MILLILITRE: _FLUID_OUNCE} for word in ("oz", "ounce", "ounces")},
    **{word: {PERCENT: Fraction(1)} for word in ("P1", "%", "percent")},
}


def in_steps(quantity: object, unit: str | None, base: str, scale: int) -> Fraction | None:
    """Return the quantity in steps of 10**-scale base units; None if the unit cannot be converted."""
    factor = MEASURES.get(unit or base, {}).get(base)
    return None if factor is None else Fraction(Decimal(str(quantity))) * factor * 10**scale


def agrees(reported: Fraction, steps: int) -> bool:
    """Whether the steps equal the reported quantity, rounded either way if it is not a whole number."""
    return abs(reported - steps) < 1
