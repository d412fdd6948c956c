"""Countries, postal codes and regions: accepted spellings, their normal form, and refusals with a remedy."""

# ruff: noqa: RUF001  # letters that look alike are the subject

import pytest
from hypothesis import given
from hypothesis import strategies as some
from iso3166 import countries_by_alpha2

from libs.addresses import InvalidAddressError, parse_country, parse_postal_code, parse_region
from libs.addresses.postal import _rules_of


@pytest.mark.parametrize(
    ("typed", "code"), [("DE", "DE"), ("de", "DE"), (" gb ", "GB"), ("XK", "XK"), ("ＤＥ", "DE"), ("HK", "HK")]
)
def test_country_is_alpha2_code(typed, code):
    assert parse_country(typed) == code


@pytest.mark.parametrize(
    ("typed", "remedy"),
    [
        ("UK", "use GB"),
        ("uk", "use GB"),
        ("EL", "use GR"),
        ("DEU", "use DE"),
        ("usa", "use US"),
        ("276", "use DE"),
        ("Germany", "use DE"),
        ("Deutschland", "use DE"),
        ("United Kingdom", "use GB"),
        ("AN", "use CW, BQ or SX"),
        ("CS", "use RS or ME"),
        ("DD", "use DE"),
        ("AC", "use SH"),
        ("XX", "use two letters"),
        ("ZZ", "use two letters"),
        ("EU", "use two letters"),
        ("D", "use two letters"),
        ("", "use two letters"),
        ("DE1", "use two letters"),
    ],
)
def test_unknown_country_is_refused_with_the_right_code(typed, remedy):
    with pytest.raises(InvalidAddressError) as refused:
        parse_country(typed)

    assert refused.value.code == "country"
    assert refused.value.remedy.startswith(remedy)


@pytest.mark.parametrize(
    ("country", "typed", "written"),
    [
        ("DE", "10115", "10115"),
        ("DE", " 10 115 ", "10115"),
        ("DE", "D-10115", "10115"),
        ("DE", "de-10115", "10115"),
        ("AT", "A-1010", "1010"),
        ("LU", "L-4750", "4750"),
        ("SE", "SE-123 45", "12345"),
        ("US", "97301", "97301"),
        ("US", "97301-1234", "97301-1234"),
        ("US", "97301 1234", "97301-1234"),
        ("US", "973011234", "97301-1234"),
        ("US", "97301\u20131234", "97301-1234"),
        ("GB", "sw1a1aa", "SW1A 1AA"),
        ("GB", "SW1A-1AA", "SW1A 1AA"),
        ("GB", "m2 5bq", "M2 5BQ"),
        ("GB", "dn169aa", "DN16 9AA"),
        ("CA", "k1a0b1", "K1A 0B1"),
        ("CA", "K1A-0B1", "K1A 0B1"),
        ("NL", "1234ab", "1234 AB"),
        ("JP", "1540023", "154-0023"),
        ("JP", "〒１５４－００２３", "154-0023"),
        ("JP", "154ー0023", "154-0023"),
        ("PL", "00950", "00-950"),
        ("BR", "01310100", "01310-100"),
        ("PT", "1000 205", "1000-205"),
        ("IE", "d6wxy00", "D6W XY00"),
        ("LV", "1010", "LV-1010"),
        ("AD", "100", "AD100"),
        ("IR", "۱۱۹۳۶۵۴۴۷۱", "11936-54471"),
        ("XK", "10000", "10000"),
        ("HK", "999077", "999077"),
        ("AE", "po box 12", "PO BOX 12"),
    ],
)
def test_postal_code_is_written_as_the_country_writes_it(country, typed, written):
    assert parse_postal_code(typed, country) == written


@pytest.mark.parametrize("country", ["HK", "AE", "PA", "QA", "IE", "MO", "JM", "AW", "BS", "KE", "CL", "XK", "KP"])
@pytest.mark.parametrize("missing", [None, "", "  ", "-"])
def test_postal_code_may_be_missing(country, missing):
    assert parse_postal_code(missing, country) is None


@pytest.mark.parametrize("country", ["DE", "US", "GB", "CA", "NL", "JP", "FR", "AU", "PL", "BR", "IN", "SG"])
def test_postal_code_is_required_with_an_example(country):
    for missing in (None, "", " ", "\u2013"):
        with pytest.raises(InvalidAddressError, match="send a code such as") as refused:
            parse_postal_code(missing, country)
        assert refused.value.code == "postal_code_missing"


@pytest.mark.parametrize(
    ("country", "typed"),
    [
        ("DE", "1011"),
        ("DE", "101155"),
        ("DE", "1011A"),
        ("DE", "10115 Berlin"),
        ("DE", "SW1A 1AA"),
        ("DE", "F-10115"),
        ("US", "9730"),
        ("US", "97301-12"),
        ("US", "K1A 0B1"),
        ("GB", "SW1A"),
        ("GB", "SW1A 1A1"),
        ("CA", "K1A OB1"),
        ("CA", "97301"),
        ("NL", "1234"),
        ("NL", "0234 AB"),
        ("JP", "154-002"),
        ("IE", "D6W"),
    ],
)
def test_wrong_shape_is_refused_with_an_example(country, typed):
    with pytest.raises(InvalidAddressError, match=f"is no postal code of {country}; send a code such as") as refused:
        parse_postal_code(typed, country)

    assert refused.value.code == "postal_code"
    assert ("leave it out" in refused.value.remedy) is (country == "IE")


def test_every_example_of_every_country_is_accepted_in_any_spelling():
    for country in countries_by_alpha2:
        for example in _rules_of(country).examples:
            bare = example.replace(" ", "").replace("-", "")
            for typed in (example, example.lower(), bare, bare.lower(), f" {example} "):
                assert parse_postal_code(typed, country) == example


@given(some.sampled_from(sorted(countries_by_alpha2)), some.text(max_size=20))
def test_postal_code_is_accepted_or_refused_and_stable(country, typed):
    try:
        written = parse_postal_code(typed, country)
    except InvalidAddressError:
        return

    assert written is None or parse_postal_code(written, country) == written


@pytest.mark.parametrize(
    ("country", "typed", "postal_code", "region"),
    [
        ("US", "OR", "97301", "OR"),
        ("US", "or", "97301", "OR"),
        ("US", "Oregon", "97301", "OR"),
        ("US", "D.C.", "20001", "DC"),
        ("US", None, "97301", "OR"),
        ("US", "", "62701", "IL"),
        ("AU", "New South Wales", "2000", "NSW"),
        ("AU", None, "3000", "VIC"),
        ("CA", "Québec", "H3Z 2Y7", "QC"),
        ("CA", "quebec", "H3Z 2Y7", "QC"),
        ("CA", None, "V8X 3X4", "BC"),
        ("IT", "Milano", "20121", "MI"),
        ("BR", "São Paulo", "01310-100", "SP"),
        ("BR", "Sao Paulo", "01310-100", "SP"),
        ("DE", None, "10115", None),
        ("DE", "Bayern", "80331", "Bayern"),
        ("HK", None, None, None),
        ("HK", "Kowloon", None, "Kowloon"),
        ("AE", "Dubai", None, "Dubai"),
        ("AE", "  Abu   Dhabi ", None, "Abu Dhabi"),
        ("JP", None, "154-0023", None),
        ("JP", "Tokyo-to", "154-0023", "Tokyo-to"),
        ("ES", "Catalunya", "08001", "Catalunya"),
    ],
)
def test_region_is_abbreviated_where_addresses_do_so(country, typed, postal_code, region):
    assert parse_region(typed, country, postal_code) == region


@pytest.mark.parametrize(
    ("country", "typed", "code"),
    [
        ("US", "XX", "region"),
        ("US", "Bavaria", "region"),
        ("CA", "OR", "region"),
        ("AU", "California", "region"),
        ("US", None, "region_missing"),
        ("CA", None, "region_missing"),
        ("AU", " ", "region_missing"),
    ],
)
def test_region_is_refused_with_the_list(country, typed, code):
    with pytest.raises(InvalidAddressError, match="send one of ") as refused:
        parse_region(typed, country)

    assert refused.value.code == code


def test_region_that_the_postal_code_leaves_open_is_asked_for():
    with pytest.raises(InvalidAddressError) as refused:
        parse_region(None, "CA", "K1A 0B1")

    assert refused.value.code == "region_missing"
