"""Addresses in request bodies and responses."""

import pytest
from pydantic import ValidationError

from replenish_contracts.events import ShipTo
from services.portal.api.shapes import CustomerBody, CustomerChange, show_ship_to
from services.portal.domain.people import Person
from tests.support.routes import person

HONG_KONG = {"name": "Ann", "line1": "1 Nathan Road", "city": "Tsim Sha Tsui", "country": "HK"}


def to(**changes):
    home = {"name": "Ann", "line1": "1 Elm", "city": "Town", "country": "US", "postal_code": "97301", "region": "OR"}
    return person(ship_to={name: value for name, value in (home | changes).items() if value is not ...})


def errors_of(body, model=CustomerBody):
    with pytest.raises(ValidationError) as refused:
        model.model_validate(body)
    return {".".join(map(str, error["loc"])): error["type"] for error in refused.value.errors()}


@pytest.mark.parametrize(
    ("changes", "country", "postal_code", "region"),
    [
        ({}, "US", "97301", "OR"),
        ({"region": "oregon", "country": "us", "postal_code": "97301 1234"}, "US", "97301-1234", "OR"),
        ({"region": ...}, "US", "97301", "OR"),
        ({"region": None}, "US", "97301", "OR"),
        ({"country": "HK", "postal_code": ..., "region": ...}, "HK", "", None),
        ({"country": "HK", "postal_code": None, "region": "Kowloon"}, "HK", "", "Kowloon"),
        ({"country": "AE", "postal_code": "", "region": "Dubai"}, "AE", "", "Dubai"),
        ({"country": "IE", "postal_code": ..., "region": ...}, "IE", "", None),
        ({"country": "IE", "postal_code": "d6wxy00", "region": ...}, "IE", "D6W XY00", None),
        ({"country": "GB", "postal_code": "sw1a1aa", "region": ...}, "GB", "SW1A 1AA", None),
    ],
)
def test_address_is_written_as_the_country_writes_it(changes, country, postal_code, region):
    ship_to = CustomerBody.model_validate(to(**changes)).ship_to.ship_to()

    assert (ship_to.country, ship_to.postal_code, ship_to.region) == (country, postal_code, region)


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({"country": "UK"}, {"ship_to.country": "country"}),
        ({"country": "XX"}, {"ship_to.country": "country"}),
        ({"country": "XX", "postal_code": ...}, {"ship_to.country": "country"}),
        ({"country": ...}, {"ship_to.country": "missing"}),
        ({"postal_code": ...}, {"ship_to.postal_code": "postal_code_missing"}),
        ({"postal_code": None}, {"ship_to.postal_code": "postal_code_missing"}),
        ({"postal_code": " "}, {"ship_to.postal_code": "postal_code_missing"}),
        ({"postal_code": "SW1A 1AA"}, {"ship_to.postal_code": "postal_code"}),
        ({"postal_code": "97301\n"}, {"ship_to.postal_code": "string_pattern_mismatch"}),
        ({"region": "XX"}, {"ship_to.region": "region"}),
        ({"country": "CA", "postal_code": "K1A 0B1", "region": ...}, {"ship_to.region": "region_missing"}),
        ({"city": ...}, {"ship_to.city": "missing"}),
    ],
)
def test_invalid_address_is_refused_at_its_field(changes, errors):
    assert errors_of(to(**changes)) == errors
    assert errors_of({"ship_to": to(**changes)["ship_to"]}, CustomerChange) == errors


@pytest.mark.parametrize("email", ["a..b@x.org", "jörg@x.org", "a@ex\u200dample.org", "a@x_y.org", '"a b"@x.org'])
def test_mail_address_is_refused_when_a_customer_joins_or_changes(email):
    (code,) = {*errors_of(person(email=email)).values()}

    assert code in {"mail_local_part", "mail_domain"}
    assert errors_of({"email": email}, CustomerChange) == {"email": code}


def test_address_without_postal_code_is_shown_with_an_empty_one():
    shown = show_ship_to(Person("Ann", "ann@example.org", ShipTo(**HONG_KONG)))

    assert shown == HONG_KONG | {"postal_code": ""}
