"""Tests of what payment services take per currency."""

import pytest

from replenish_contracts.units import CURRENCIES, parse_money
from services.order_dispatch.payments.domain import UnchargeableAmountError, check_amount, check_share
from services.order_dispatch.payments.services import describe_payment_service
from services.order_dispatch.payments.stripe_descriptor import CHARGED, DECIMALS, MINIMUMS, WHOLE_PAYOUTS, find_rules


def check(amount, currency, service="stripe", check=check_amount):
    described = describe_payment_service(service)
    check(parse_money(amount, currency), currency, described.find_rules(currency), described.name)


class TestStripe:
    @pytest.mark.parametrize(
        ("amount", "currency", "sent"),
        [
            *(("5000", "UGX", 500_000), ("1", "UGX", 100), ("1790", "ISK", 179_000)),
            *(("500", "JPY", 500), ("1000", "KRW", 1000), ("250000", "VND", 250_000), ("100", "XOF", 100)),
            *(("10.00", "USD", 1000), ("0.50", "EUR", 50), ("0.30", "GBP", 30), ("175.45", "HUF", 17_545)),
            *(("800.45", "TWD", 80_045), ("1.230", "KWD", 1230), ("0.500", "BHD", 500), ("3.990", "TND", 3990)),
            *(("5000.00", "MGA", 5000), ("9999999999.99", "USD", 999_999_999_999)),
        ],
    )
    def test_amount_is_sent_in_units_of_stripe(self, amount, currency, sent):
        check(amount, currency)
        rules, minor = find_rules(currency), parse_money(amount, currency)

        assert rules.to_service(minor) == sent
        assert rules.from_service(sent) == minor

    @pytest.mark.parametrize(
        ("amount", "currency", "code", "remedy"),
        [
            ("1.234", "KWD", "not_chargeable", "send 1.230 KWD or 1.240 KWD"),
            ("0.005", "OMR", "not_chargeable", "send 0.010 OMR"),
            ("12.995", "JOD", "not_chargeable", "send 12.990 JOD or 13.000 JOD"),
            ("5.01", "MGA", "not_chargeable", "send 5.00 MGA or 6.00 MGA"),
            ("0.30", "EUR", "below_minimum", "send at least 0.50 EUR, or 0 for goods that are free"),
            ("0.49", "USD", "below_minimum", "send at least 0.50 USD, or 0 for goods that are free"),
            ("0.29", "GBP", "below_minimum", "send at least 0.30 GBP, or 0 for goods that are free"),
            ("49", "JPY", "below_minimum", "send at least 50 JPY, or 0 for goods that are free"),
            ("174.99", "HUF", "below_minimum", "send at least 175.00 HUF, or 0 for goods that are free"),
            ("10000000000.00", "USD", "above_maximum", "send at most 9999999999.99 USD"),
            ("10000000000", "UGX", "above_maximum", "send at most 9999999999 UGX"),
            *(
                (amount, code, "unsupported_currency", "use a currency that it charges in, or another payment service")
                for amount, code in (("5", "IRR"), ("5", "KPW"), ("1.000", "LYD"), ("1.000", "IQD"), ("5", "CUP"))
            ),
        ],
    )
    def test_other_amounts_are_refused_with_remedy(self, amount, currency, code, remedy):
        with pytest.raises(UnchargeableAmountError) as refused:
            check(amount, currency)

        assert refused.value.code == code
        assert refused.value.remedy.startswith(remedy)

    @pytest.mark.parametrize(("amount", "currency"), [("0.10", "EUR"), ("0.010", "KWD"), ("0", "USD"), ("1", "ISK")])
    def test_minimum_is_not_for_shares(self, amount, currency):
        check(amount, currency, check=check_share)

    @pytest.mark.parametrize("amount", [150, 1, 99])
    @pytest.mark.parametrize("currency", ["ISK", "UGX"])
    def test_fraction_of_whole_currency_is_no_amount(self, amount, currency):
        with pytest.raises(ValueError, match="not a whole amount"):
            find_rules(currency).from_service(amount)

    @pytest.mark.parametrize("currency", sorted(CHARGED))
    def test_rules_of_every_currency_are_consistent(self, currency):
        rules = find_rules(currency)

        assert rules.minimum % rules.step == rules.maximum % rules.step == 0
        for amount in (rules.step, rules.minimum, rules.maximum):
            assert rules.from_service(rules.to_service(amount)) == amount

    def test_tables_name_currencies_that_are_charged(self):
        assert set(MINIMUMS) <= CHARGED
        assert WHOLE_PAYOUTS | set(DECIMALS) <= CHARGED
        # The other services take what ISO 4217 has.
        assert all(describe_payment_service("sandbox").find_rules(code).is_charged for code in CURRENCIES)


@pytest.mark.parametrize(("amount", "currency"), [("1.234", "KWD"), ("0.01", "EUR"), ("1", "IRR")])
def test_sandbox_takes_any_amount(amount, currency):
    check(amount, currency, "sandbox")
