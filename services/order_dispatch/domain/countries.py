"""What units of volume mean in the country of the customer, whom the provider addresses with them."""

import re

#: Countries whose law defines imperial pints and fluid ounces: Weights and Measures Act 1985 of the United Kingdom (and
#: its like in the dependencies), Metrology Act 1996 of Ireland, Weights and Measures Act of Canada (schedule II).
IMPERIAL = frozenset({"GB", "GG", "IM", "JE", "GI", "FK", "IE", "CA"})
#: The United States and the territories whose commerce follows its law (15 U.S.C. 205).
US_CUSTOMARY = frozenset({"US", "PR", "GU", "VI", "AS", "MP", "UM"})
#: Words that name a different volume in both systems.
_VOLUMES = re.compile(
    r"fl(?:uid)?[\s._-]*(?:oz|ounces?)|floz|gal(?:lons?)?|qts?|quarts?|pts?|pints?|cups?", re.IGNORECASE
)


def unit_in(unit: str, country: str | None) -> str:
    """Return the unit as it is meant in this country: `fl oz` is `imp fl oz` in GB; other units stay as they are."""
    word = unit.strip().rstrip(".")
    if country is None or _VOLUMES.fullmatch(word) is None:
        return unit
    if country in IMPERIAL:
        return f"imp {word}"
    return f"us {word}" if country in US_CUSTOMARY else unit


def is_us_customary(country: str) -> bool:
    return country in US_CUSTOMARY
