"""What Stripe can do, with its rules per currency; apart from its client, which loads Stripe's library.

Source: docs.stripe.com/currencies, read 2026-12-02, with the sections presentment-currencies, zero-decimal,
special-cases and minimum-and-maximum-charge-amounts; for three decimals also its version of 2022-12-31 (three-decimal),
which still holds for accounts that have these currencies.
"""

from fractions import Fraction

from replenish_contracts.units import CURRENCIES, parse_money
from services.order_dispatch.payments.domain.amounts import NOT_CHARGED, CurrencyRules
from services.order_dispatch.payments.domain.protocol import ServiceDescriptor

#: Currencies of charges. An account charges in those that Stripe offers in its country, so an account may have fewer.
_CHARGED = """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BWP BYN BZD CAD CDF CHF CLP
    CNY COP CRC CVE CZK DJF DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR
    ISK JMD JOD JPY KES KGS KHR KMF KRW KWD KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MUR MVR MWK MXN
    MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SEK SGD SHP SLE
    SOS SRD SZL THB TJS TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VND VUV WST XAF XCD XOF XPF YER ZAR ZMW
"""
CHARGED = frozenset(_CHARGED.split()) & set(CURRENCIES)
#: Decimals of amounts in Stripe's API, if not two. ISK and UGX have none and are sent with two that are always 00: "to
#: charge 5 UGX, provide an amount value of 500"; UGX is in the list of zero decimals too, but its special case applies.
_DECIMALS = {0: "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF", 3: "BHD JOD KWD OMR TND"}
DECIMALS = {code: decimals for decimals, codes in _DECIMALS.items() for code in codes.split()}
#: Of three decimals the last must be 0, also in refunds: "5.124 KWD must be rounded to 5120 or 5130".
THREE_DECIMAL_STEP = 10
#: Currencies whose payouts are whole units, though charges may have two decimals. We make no payouts.
WHOLE_PAYOUTS = frozenset({"HUF", "TWD"})
#: Smallest charge, by the account's settlement currency. A charge in another currency must be worth as much after
#: conversion, which Stripe checks when it authorizes; the same is true for currencies that are missing here.
_MINIMUMS = {
    "0.30": "GBP",
    "0.50": "ARS AUD BRL CAD CHF COP EUR IDR ILS INR NZD PHP RUB SGD USD ZAR",
    "1.00": "BGN",  # in the page of 2023; newer ones omit it
    "2.00": "AED MYR PLN RON",
    "2.50": "DKK",
    "3.00": "NOK SEK",
    "4.00": "HKD",
    "10.00": "MXN THB",
    "15.00": "CZK",
    "50": "JPY KRW",
    "175.00": "HUF",
}
MINIMUMS = {code: parse_money(least, code) for least, codes in _MINIMUMS.items() for code in codes.split()}
#: "12 digits for most card payments". Some cards have lower limits (American Express 9 digits, JCB in Japan 8), which
#: are not known before the customer's card is.
LARGEST_AMOUNT = 999_999_999_999


def find_rules(currency: str) -> CurrencyRules:
    if currency not in CHARGED:
        return NOT_CHARGED
    decimals = DECIMALS.get(currency, 2)
    units = Fraction(10) ** (decimals - CURRENCIES[currency])
    # MGA has two decimals in ISO 4217 and none at Stripe.
    step = THREE_DECIMAL_STEP if decimals > 2 else units.denominator  # noqa: PLR2004  # all others have two or none
    least = MINIMUMS.get(currency, step)
    largest = int(LARGEST_AMOUNT / units)
    return CurrencyRules(step, least, largest - largest % step, units)


#: Whether one authorization can be captured several times depends on the card and the account's pricing.
STRIPE = ServiceDescriptor("stripe", captures_several=True, find_rules=find_rules)
