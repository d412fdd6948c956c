"""Units of volume in the customer's country."""

from datetime import UTC, datetime

import pytest

from replenish_contracts.units import BaseUnit
from services.order_dispatch.domain.countries import unit_in
from services.order_dispatch.domain.links import SlotUse
from services.order_dispatch.providers.drs.slots import status_body

USE = SlotUse("1", "1", BaseUnit.MILLILITRE, 0, 1000, 2000, 10.0, datetime(2026, 3, 1, tzinfo=UTC), 0)


@pytest.mark.parametrize("country", ["GB", "IE", "CA", "JE"])
@pytest.mark.parametrize("unit", ["fl oz", "Fl. Oz.", "fluid ounces", "pint", "pt", "gallon", "gal", "quarts", "cup"])
def test_volume_is_imperial_where_the_law_defines_it_so(unit, country):
    assert unit_in(unit, country) == f"imp {unit.removesuffix('.')}"


@pytest.mark.parametrize("country", ["US", "PR", "GU"])
def test_volume_is_us_customary_in_the_us_and_its_territories(country):
    assert unit_in("fl oz", country) == "us fl oz"


@pytest.mark.parametrize(
    ("unit", "country"),
    [
        ("fl oz", None),
        ("fl oz", "DE"),
        ("ml", "GB"),
        ("l", "GB"),
        ("oz", "GB"),
        ("Count", "GB"),
        ("us fl oz", "GB"),
        ("imperial fluid ounce", "US"),
        ("", "GB"),
    ],
)
def test_other_units_and_countries_stay_as_they_are(unit, country):
    assert unit_in(unit, country) == unit


@pytest.mark.parametrize(
    ("country", "level"),
    [("US", 33.814023), ("PR", 33.814023), ("GB", 1), ("DE", 1)],
)
def test_levels_are_reported_in_units_of_the_country(country, level):
    assert status_body(USE, country)["remainingQuantityInUnit"] == level
