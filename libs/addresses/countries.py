"""Countries by their ISO 3166-1 alpha-2 code, from the package `iso3166`."""

import unicodedata

from libs.addresses.errors import InvalidAddressError

#: Codes that are reserved, withdrawn from ISO 3166-1 or of another standard (UK, EL), and what replaces them.
_REPLACED = {
    "UK": "GB",
    "EL": "GR",
    "AC": "SH",
    "TA": "SH",
    "IC": "ES",
    "EA": "ES",
    "CP": "FR",
    "DG": "IO",
    "BU": "MM",
    "DD": "DE",
    "FX": "FR",
    "SF": "FI",
    "TP": "TL",
    "YD": "YE",
    "ZR": "CD",
    "DY": "BJ",
    "HV": "BF",
    "RH": "ZW",
    "VD": "VN",
    "NH": "VU",
    "AN": "CW, BQ or SX",
    "CS": "RS or ME",
    "NT": "IQ or SA",
    "YU": "RS, ME, HR, SI, BA or MK",
}
#: Names in use that differ from ISO's.
_NAMES = {
    "UNITED KINGDOM": "GB",
    "GREAT BRITAIN": "GB",
    "ENGLAND": "GB",
    "SCOTLAND": "GB",
    "WALES": "GB",
    "NORTHERN IRELAND": "GB",
    "UNITED STATES": "US",
    "DEUTSCHLAND": "DE",
    "ÖSTERREICH": "AT",
    "SCHWEIZ": "CH",
}


def parse_country(text: str) -> str:
    """Return the alpha-2 code in capitals. Raises InvalidAddressError, whose remedy names the code if it is known.

    XK (Kosovo) is accepted: it is not in ISO 3166-1, but postal services and carriers use it.
    """
    from iso3166 import countries, countries_by_alpha2  # noqa: PLC0415  # only where addresses are entered

    code = unicodedata.normalize("NFKC", text).strip().upper()
    if code in countries_by_alpha2:
        return code
    known = countries.get(code, None)
    use = _REPLACED.get(code) or _NAMES.get(code) or (known.alpha2 if known else None)
    problem = f"{text.strip()[:60] or 'an empty text'} is no country code of ISO 3166-1"
    remedy = f"use {use}" if use else "use two letters, such as DE, GB or US"
    raise InvalidAddressError("country", problem, remedy)
