"""Exact conversion of quantities and prices from outside to whole numbers."""

from replenish_contracts.units.amounts import to_fraction
from replenish_contracts.units.money import CURRENCIES, format_money, parse_money
from replenish_contracts.units.quantities import (
    MOST_STEPS,
    Conversion,
    convert_quantity,
    format_quantity,
    parse_quantity,
)
from replenish_contracts.units.refusals import (
    AmbiguousUnitError,
    InvalidAmountError,
    NotANumberError,
    NotWholeError,
    OutOfRangeError,
    UnknownCurrencyError,
    UnknownUnitError,
    WrongDimensionError,
)
from replenish_contracts.units.spellings import SYMBOLS, BaseUnit, UnitSystem, base_unit, find_unit, unit_system

__all__ = [
    "CURRENCIES",
    "MOST_STEPS",
    "SYMBOLS",
    "AmbiguousUnitError",
    "BaseUnit",
    "Conversion",
    "InvalidAmountError",
    "NotANumberError",
    "NotWholeError",
    "OutOfRangeError",
    "UnitSystem",
    "UnknownCurrencyError",
    "UnknownUnitError",
    "WrongDimensionError",
    "base_unit",
    "convert_quantity",
    "find_unit",
    "format_money",
    "format_quantity",
    "parse_money",
    "parse_quantity",
    "to_fraction",
    "unit_system",
]
