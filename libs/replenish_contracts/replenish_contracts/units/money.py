"""Money as whole minor units of an ISO 4217 currency."""

from decimal import Decimal
from fractions import Fraction

from replenish_contracts.units.amounts import to_fraction
from replenish_contracts.units.quantities import MOST_STEPS
from replenish_contracts.units.refusals import NotWholeError, OutOfRangeError, UnknownCurrencyError

#: The active ISO 4217 currencies by their decimal places.
PLACES = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF",
    2: """
                AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF
        CNY COP CRC CUP         CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG
        HUF IDR ILS INR IRR JMD KES KGS         KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU
        MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD         PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR
        SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP         TRY TTD TWD TZS UAH USD UYU UZS VED
        VES WST XCD XCG YER ZAR ZMW ZWG
    """,
    3: "BHD IQD JOD KWD LYD OMR TND",
}
CURRENCIES = {code: places for places, codes in PLACES.items() for code in codes.split()}


def parse_money(amount: str | float | Decimal, currency: str) -> int:
    """Return an amount in minor units: 4.99 USD is 499; raises InvalidAmountError with a remedy."""
    places = _places(currency)
    minor = to_fraction(amount) * Fraction(10) ** places
    if minor > MOST_STEPS:
        raise OutOfRangeError(f"{str(amount)[:40]} {currency} is more than any price", "send the price of one pack")
    if minor.denominator != 1:
        raise NotWholeError(
            f"{str(amount)[:40]} {currency} is finer than the currency's smallest unit",
            f"send at most {places} decimal places",
        )
    return minor.numerator


def format_money(minor: int, currency: str) -> str:
    """Format minor units with all decimal places of the currency: 499 USD is 4.99."""
    places = _places(currency)
    sign, digits = "-" if minor < 0 else "", str(abs(minor)).rjust(places + 1, "0")
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else f"{sign}{digits}"


def _places(currency: str) -> int:
    if currency not in CURRENCIES:
        raise UnknownCurrencyError(
            f"{currency[:10]!r} is no active ISO 4217 currency", 'send its three capital letters, such as "EUR"'
        )
    return CURRENCIES[currency]
