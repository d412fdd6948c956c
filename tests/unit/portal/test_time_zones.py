"""Time zones of customers."""

import pytest
from pydantic import TypeAdapter, ValidationError

from services.portal.api.shapes import TimeZone

ZONES = TypeAdapter(TimeZone)


@pytest.mark.parametrize("name", ["Europe/Berlin", "UTC", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "EST5EDT"])
def test_time_zone_of_the_iana_database_is_accepted(name):
    assert ZONES.validate_python(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "localtime",
        "LOCALTIME",
        "Factory",
        "posixrules",
        "posix/Europe/Berlin",
        "right/Europe/Berlin",
        "/etc/localtime",
        "/usr/share/zoneinfo/Europe/Berlin",
        "../zoneinfo/Europe/Berlin",
        "Europe/../Europe/Berlin",
        "Europe/Berlin/",
        "Europe",
        " Europe/Berlin",
        "Europe/Berlin\\0",
        "+02:00",
        "CET-1CEST",
        "",
    ],
)
def test_other_name_is_refused_with_remedy(name):
    with pytest.raises(ValidationError, match="send for example Europe/Berlin"):
        ZONES.validate_python(name)


@pytest.mark.parametrize(
    ("name", "meant"), [("europe/berlin", "Europe/Berlin"), ("utc", "UTC"), ("EUROPE/PARIS", "Europe/Paris")]
)
def test_name_in_another_case_is_refused_with_the_right_one(name, meant):
    with pytest.raises(ValidationError, match=f"did you mean {meant}"):
        ZONES.validate_python(name)
