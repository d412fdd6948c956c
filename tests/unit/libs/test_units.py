"""Quantities and prices from outside: exact conversion, or an error with a remedy."""

from contextlib import suppress
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replenish_contracts.units import (
    MOST_STEPS,
    AmbiguousUnitError,
    BaseUnit,
    InvalidAmountError,
    NotANumberError,
    NotWholeError,
    OutOfRangeError,
    UnitSystem,
    UnknownCurrencyError,
    UnknownUnitError,
    WrongDimensionError,
    base_unit,
    convert_quantity,
    format_money,
    format_quantity,
    parse_money,
    parse_quantity,
    unit_system,
)
from replenish_contracts.units.spellings import UNITS

EACH, GRAM, ML, PERCENT = BaseUnit.EACH, BaseUnit.GRAM, BaseUnit.MILLILITRE, BaseUnit.PERCENT


class TestBaseUnit:
    @pytest.mark.parametrize(
        ("spelling", "base"),
        [
            # Every spelling of every unit, row by row.
            *[(s, ML) for s in ("liters", "liter", "litre", "litres", "l", "L", "ml", "milliliter", "milliliters")],
            ("fl oz", ML),
            *[(s, GRAM) for s in ("kg", "kilograms", "kilogram")],
            *[(s, EACH) for s in ("count", "pod", "pods", "sheet", "sheets")],
            # Other spellings.
            *[(s, ML) for s in ("Lt", "Fl oz")],
            *[(s, GRAM) for s in ("Kg", "Lbs")],
            *[(s, EACH) for s in ("Count", ["Coffee", "pods"][1], "Tabs")],
            *[(s, PERCENT) for s in ("Percentage", "%", "percent")],
            # Devices, Alexa and UN/CEFACT.
            *[(s, ML) for s in ("US fluid ounce", "dL")],
            *[
                (s, GRAM)
                for s in ("g", "mg", "GRAM", "KILOGRAM", "lb", "pounds", "POUND", "oz wt", "GRM", "KGM", "ONZ")
            ],
            *[(s, ML) for s in ("FLUID_OUNCE", "fl. oz.", "fl-oz", " fl  oz ", "LITER", "LTR", "MLT", "OZA", "floz")],
            *[(s, EACH) for s in ("C62", "EA", "each", "tablets", "pcs")],
            ("P1", PERCENT),
        ],
    )
    def test_base_unit_of_every_spelling(self, spelling, base):
        assert base_unit(spelling) is base

    @pytest.mark.parametrize("spelling", ["oz", "OZ", "ounce", "ounces", " Oz. "])
    def test_ambiguous_ounce_is_refused_with_remedy(self, spelling):
        with pytest.raises(AmbiguousUnitError) as refusal:
            base_unit(spelling)

        assert refusal.value.code == "ambiguous_unit"
        assert "a weight or a volume" in refusal.value.problem
        assert "fl oz" in refusal.value.remedy
        assert "oz wt" in refusal.value.remedy

    @pytest.mark.parametrize("spelling", ["", " ", "parsec", "kg kg", "\N{KELVIN SIGN}"])
    def test_unknown_unit_is_refused(self, spelling):
        with pytest.raises(UnknownUnitError) as refusal:
            base_unit(spelling)

        assert len(str(refusal.value)) < 300


US, IMPERIAL = UnitSystem.US, UnitSystem.IMPERIAL


class TestUnitSystem:
    @pytest.mark.parametrize(
        ("unit", "system", "microlitres"),
        [
            # By hand: the US gallon has 231 x 16.387064 ml, the imperial gallon 4,546.09 ml.
            ("us_gal", None, 3_785_412),
            ("US gallons", IMPERIAL, 3_785_412),
            ("gal (US)", None, 3_785_412),
            ("[gal_us]", None, 3_785_412),
            ("GLL", None, 3_785_412),
            ("imp_gal", None, 4_546_090),
            ("Imp. Gallon", US, 4_546_090),
            ("uk gal", None, 4_546_090),
            ("[gal_br]", None, 4_546_090),
            ("GLI", None, 4_546_090),
            ("us qt", None, 946_353),
            ("us pint", None, 473_176),
            ("us cup", None, 236_588),
            ("imp qt", None, 1_136_522),
            ("imperial pint", None, 568_261),
            ("imp cup", None, 284_131),
            ("metric cup", None, 250_000),
            ("UK fluid ounce", None, 28_413),
            ("gal", US, 3_785_412),
            ("gal", IMPERIAL, 4_546_090),
            ("qts", US, 946_353),
            ("Pints", IMPERIAL, 568_261),
            ("cups", US, 236_588),
            ("fl oz", US, 29_574),
            ("fl oz", IMPERIAL, 28_413),
            ("fluid ounces", None, 29_574),
            ("oz", IMPERIAL, 28_413),
            ("m3", None, 1_000_000_000),
            ("m\N{SUPERSCRIPT THREE}", None, 1_000_000_000),
            ("MTQ", None, 1_000_000_000),
            ("cm3", None, 1000),
            ("cc", None, 1000),
            ("ft\N{SUPERSCRIPT THREE}", None, 28_316_847),
            ("\N{FULLWIDTH LATIN SMALL LETTER M}l", None, 1000),
        ],
    )
    def test_unit_of_volume_follows_its_system(self, unit, system, microlitres):
        assert parse_quantity("1", unit, base=ML, scale=3, system=system) == microlitres

    @pytest.mark.parametrize("unit", ["gal", "Gallons", "qt", "quart", "pt", "pints", "cup", "CUPS"])
    def test_plain_unit_is_refused_without_system(self, unit):
        with pytest.raises(AmbiguousUnitError) as refusal:
            parse_quantity("1", unit, base=ML, scale=0)

        assert refusal.value.code == "ambiguous_unit"
        assert f'"us {unit.lower()}" or "imp {unit.lower()}"' in refusal.value.remedy
        assert "unit_system" in refusal.value.remedy

    @pytest.mark.parametrize("unit", ["gal", "us gal", "imp pt", "cup", "m3"])
    def test_unit_of_volume_does_not_measure_a_weight(self, unit):
        with pytest.raises(WrongDimensionError):
            parse_quantity("1", unit, base=GRAM, scale=0)

    def test_unknown_unit_lists_accepted_units(self):
        with pytest.raises(UnknownUnitError) as refusal:
            parse_quantity("1", "hogshead", base=ML, scale=0)

        assert all(f'"{unit}"' in refusal.value.remedy for unit in ("ml", "l", "m3", "fl oz", "cup", "pt", "qt", "gal"))

    @pytest.mark.parametrize(
        ("spelling", "system"),
        [
            ("us gal", US),
            ("QTI", IMPERIAL),
            ("gal uk", IMPERIAL),
            ("gal", None),
            ("fl oz", None),
            ("ml", None),
            ("", None),
        ],
    )
    def test_unit_system_of_spelling(self, spelling, system):
        assert unit_system(spelling) is system


class TestMeasured:
    @pytest.mark.parametrize(
        ("amount", "unit", "base", "scale", "steps", "exact"),
        [
            (0.30000001192092896, "kg", GRAM, 0, 300, False),
            ("312.4", "g", GRAM, 0, 312, False),
            (49.5, "%", PERCENT, 0, 50, False),
            (50.5, "%", PERCENT, 0, 50, False),
            (49.5, "%", PERCENT, 1, 495, True),
            ("0.4", "g", GRAM, 0, 0, False),
            ("0.001", "lb", GRAM, 0, 0, False),
            ("12.5", "pods", EACH, 0, 12, False),
            ("300", "g", GRAM, 0, 300, True),
            ("0", "g", GRAM, 0, 0, True),
        ],
    )
    def test_measured_amount_is_rounded_half_to_even(self, amount, unit, base, scale, steps, exact):
        assert convert_quantity(amount, unit, base=base, scale=scale, measured=True) == (steps, exact)

    @pytest.mark.parametrize("amount", ["NaN", "-1", "1,5", "\N{ARABIC-INDIC DIGIT THREE}", 1e300])
    def test_measured_amount_is_still_a_number(self, amount):
        with pytest.raises(InvalidAmountError):
            convert_quantity(amount, "g", base=GRAM, scale=0, measured=True)


class TestParseQuantity:
    @pytest.mark.parametrize(
        ("amount", "unit", "base", "scale", "steps"),
        [
            ("2.5", "kg", GRAM, 0, 2500),
            (2.5, "kg", GRAM, 0, 2500),
            (Decimal("2.5"), "Kilograms", GRAM, 1, 25_000),
            (0.1, "l", ML, 0, 100),
            ("3", "pods", EACH, 0, 3),
            (3, "count", EACH, 0, 3),
            (3.0, "count", EACH, 0, 3),
            ("0.5", "tabs", EACH, 1, 5),
            ("100", "%", PERCENT, 0, 100),
            ("12.5", "percent", PERCENT, 1, 125),
            ("250", "mg", GRAM, 3, 250),
            (" 1e3 ", "ml", ML, 0, 1000),
            ("0", "g", GRAM, 0, 0),
            # By hand: 103 x 29.5735295625 = 3046.07..., 1 lb = 453.59237 g, 1 oz = 28.349523125 g.
            (103, "fl oz", ML, 0, 3046),
            ("1", "lb", GRAM, 0, 454),
            ("1", "lb", GRAM, 5, 45_359_237),
            ("1", "oz", GRAM, 0, 28),
            ("1", "ounce", GRAM, 6, 28_349_523),
            ("1", "ounces", ML, 0, 30),
            ("1", "oz", ML, 6, 29_573_530),
            ("1", "uk fl oz", ML, 0, 28),
            ("80", "oz wt", GRAM, 4, 22_679_618),
        ],
    )
    def test_parse_quantity_is_exact(self, amount, unit, base, scale, steps):
        assert parse_quantity(amount, unit, base=base, scale=scale) == steps

    def test_customary_unit_rounds_half_to_even(self):
        # 8 oz = 226.796185 g: a half at five places, between ...18 (even) and ...19.
        assert parse_quantity("8", "oz", base=GRAM, scale=5) == 22_679_618
        # 24 oz = 680.388555 g: a half between ...55 and ...56 (even).
        assert parse_quantity("24", "oz", base=GRAM, scale=5) == 68_038_856

    @given(st.integers(0, 2**53), st.sampled_from(list(BaseUnit)), st.integers(0, 6))
    def test_parse_reverses_format(self, steps, base, scale):
        assert parse_quantity(format_quantity(steps, scale), base.value, base=base, scale=scale) == steps

    @given(st.integers(0, 10**9), st.integers(0, 3))
    def test_float_is_read_as_shortest_decimal(self, thousandths, scale):
        amount = thousandths / 1000

        steps = Fraction(thousandths, 1000) * 1000 * 10**scale
        assert parse_quantity(amount, "kg", base=GRAM, scale=scale) == steps

    @given(st.decimals(0, 10**6, places=4), st.sampled_from(sorted(UNITS)), st.sampled_from(list(BaseUnit)))
    def test_rounding_error_is_at_most_half_a_step(self, amount, unit, base):
        try:
            steps = parse_quantity(amount, unit, base=base, scale=2)
        except InvalidAmountError:
            return

        wanted = Fraction(amount) * UNITS[unit].factor * 100
        assert abs(steps - wanted) <= (Fraction(1, 2) if UNITS[unit].customary else 0)

    @pytest.mark.parametrize(
        ("amount", "unit", "base", "refusal", "words"),
        [
            ("1", "kg", ML, WrongDimensionError, "'kg' does not measure a volume, which this slot holds; send"),
            ("1", "fl oz", GRAM, WrongDimensionError, "does not measure a weight"),
            ("1", "oz", EACH, WrongDimensionError, "does not measure a count"),
            ("1", "oz", PERCENT, WrongDimensionError, "does not measure a percentage"),
            ("1", "pods", PERCENT, WrongDimensionError, "does not measure a percentage"),
            ("1", "cubits", EACH, UnknownUnitError, 'send "count" or "pods"'),
            ("1.5", "g", GRAM, NotWholeError, "1.5 g is finer than this slot's step; send a multiple of 1 g"),
            ("0.5", "pods", EACH, NotWholeError, "send a multiple of 1 piece"),
            (0.1 + 0.2, "l", ML, NotWholeError, "finer than this slot's step"),
            ("0.001", "lb", GRAM, NotWholeError, "finer than this slot's step"),
            ("-1", "g", GRAM, OutOfRangeError, "'-1' is negative; send zero or more"),
            (-1, "g", GRAM, OutOfRangeError, "negative"),
            (-0.5, "kg", GRAM, OutOfRangeError, "negative"),
            (2**53 + 1, "g", GRAM, OutOfRangeError, "more than any slot holds"),
            ("9" * 39, "g", GRAM, OutOfRangeError, "more than any slot holds"),
            ("9" * 41, "g", GRAM, OutOfRangeError, "more digits than are read"),
            pytest.param("9" * 100_000, "g", GRAM, OutOfRangeError, "longer than any amount", id="huge text"),
            pytest.param(10**100_000, "g", GRAM, OutOfRangeError, "more digits", id="huge integer"),
            ("1e999", "g", GRAM, OutOfRangeError, "more digits"),
            ("1e-999", "g", GRAM, OutOfRangeError, "more digits"),
            ("1e999999999999", "g", GRAM, NotANumberError, "no decimal number"),
            (1e300, "g", GRAM, OutOfRangeError, "more digits"),
            (Decimal("1e500000"), "g", GRAM, NotANumberError, "no decimal number"),
            (float("nan"), "g", GRAM, NotANumberError, "'nan' is no decimal number"),
            (float("inf"), "g", GRAM, NotANumberError, "'inf' is no decimal number"),
            (Decimal("sNaN"), "g", GRAM, NotANumberError, "no decimal number"),
            (True, "pods", EACH, NotANumberError, "a bool is no decimal number"),
            (None, "pods", EACH, NotANumberError, "no decimal number"),
            ([10**5000], "pods", EACH, NotANumberError, "a list is no decimal number"),
            ("", "pods", EACH, NotANumberError, "no decimal number"),
            ("2,5", "kg", GRAM, NotANumberError, "use a decimal point, not a comma"),
            ("1_000", "g", GRAM, NotANumberError, "no decimal number"),
            ("0x10", "g", GRAM, NotANumberError, "no decimal number"),
            ("1/3", "kg", GRAM, NotANumberError, "no decimal number"),
            ("+-1", "g", GRAM, NotANumberError, "no decimal number"),
            ("\N{ARABIC-INDIC DIGIT THREE}", "g", GRAM, NotANumberError, "no decimal number"),
        ],
    )
    def test_invalid_value_is_refused_with_explanation(self, amount, unit, base, refusal, words):
        with pytest.raises(refusal) as refused:
            parse_quantity(amount, unit, base=base, scale=0)

        assert words in str(refused.value)
        assert refused.value.problem
        assert refused.value.remedy
        assert len(str(refused.value)) < 300

    def test_largest_quantity_is_accepted(self):
        assert parse_quantity(MOST_STEPS, "g", base=GRAM, scale=0) == MOST_STEPS

    @given(st.text(max_size=50), st.text(max_size=20), st.sampled_from(list(BaseUnit)))
    def test_any_text_gives_steps_or_error(self, amount, unit, base):
        for written, spelled in ((amount, "g"), ("1", unit)):
            with suppress(InvalidAmountError):
                assert 0 <= parse_quantity(written, spelled, base=base, scale=0) <= MOST_STEPS


class TestFormatQuantity:
    @pytest.mark.parametrize(
        ("steps", "scale", "written"),
        [
            (0, 0, "0"),
            (100, 0, "100"),
            (12500, 3, "12.5"),
            (5, 3, "0.005"),
            (-5, 3, "-0.005"),
            (-10, 1, "-1"),
            (0, 2, "0"),
        ],
    )
    def test_format_quantity_is_exact_decimal(self, steps, scale, written):
        assert format_quantity(steps, scale) == written


class TestMoney:
    @pytest.mark.parametrize(
        ("amount", "currency", "minor"),
        [
            ("4.99", "USD", 499),
            (4.99, "USD", 499),
            (5, "EUR", 500),
            ("4.990", "USD", 499),
            ("1200", "JPY", 1200),
            ("1.234", "KWD", 1234),
            ("0", "BRL", 0),
        ],
    )
    def test_money_is_in_minor_units(self, amount, currency, minor):
        assert parse_money(amount, currency) == minor

    @pytest.mark.parametrize(
        ("minor", "currency", "written"),
        [(499, "USD", "4.99"), (5, "USD", "0.05"), (-5, "USD", "-0.05"), (1200, "JPY", "1200"), (5, "KWD", "0.005")],
    )
    def test_money_is_formatted_with_all_places(self, minor, currency, written):
        assert format_money(minor, currency) == written

    @given(st.integers(0, 2**53), st.sampled_from(["USD", "JPY", "KWD"]))
    def test_parse_money_reverses_format(self, minor, currency):
        assert parse_money(format_money(minor, currency), currency) == minor

    @pytest.mark.parametrize(
        ("amount", "currency", "refusal", "words"),
        [
            ("4.999", "USD", NotWholeError, "send at most 2 decimal places"),
            ("1.5", "JPY", NotWholeError, "send at most 0 decimal places"),
            ("-1", "USD", OutOfRangeError, "negative"),
            ("1e30", "USD", OutOfRangeError, "more than any price"),
            ("free", "USD", NotANumberError, "no decimal number"),
            ("1", "usd", UnknownCurrencyError, "three capital letters"),
            ("1", "XXX", UnknownCurrencyError, "no active ISO 4217 currency"),
            ("1", "", UnknownCurrencyError, "no active ISO 4217 currency"),
        ],
    )
    def test_invalid_value_is_refused_with_explanation(self, amount, currency, refusal, words):
        with pytest.raises(refusal, match=words):
            parse_money(amount, currency)
