"""Tests of what Stripe's errors mean: whose turn it is, and what the customer can read."""

from types import SimpleNamespace

import pytest
import stripe

from services.order_dispatch.payments.domain import DeclineCause
from services.order_dispatch.payments.stripe_errors import decline_attempt, decline_by_card, decline_request

BANK, CUSTOMER, OURS, LATER = DeclineCause
MESSAGE = "A message of Stripe about acct_1234 and sk_live_***56"


def card_error(code="card_declined", decline_code=None, message=MESSAGE):
    body = {"error": {"type": "card_error", "code": code, "decline_code": decline_code, "message": message}}
    return stripe.CardError(message, "", code, http_status=402, json_body=body, headers={"request-id": "req_1"})


def request_error(code, param=None, status=400):
    return stripe.InvalidRequestError(MESSAGE, param, code, http_status=status, headers={"request-id": "req_1"})


@pytest.mark.parametrize(
    ("code", "decline_code", "cause"),
    [
        *(("card_declined", code, BANK) for code in (None, "generic_decline", "do_not_honor", "insufficient_funds")),
        *(("card_declined", code, BANK) for code in ("lost_card", "stolen_card", "fraudulent", "merchant_blacklist")),
        *(("card_declined", code, BANK) for code in ("currency_not_supported", "invalid_amount", "not_listed_yet")),
        *(("authentication_required", code, CUSTOMER) for code in (None, "authentication_required")),
        *(("card_declined", code, CUSTOMER) for code in ("authentication_not_handled", "testmode_decline")),
        *((code, None, CUSTOMER) for code in ("expired_card", "incorrect_cvc", "incorrect_number")),
        ("card_decline_rate_limit_exceeded", None, CUSTOMER),
        *(
            ("card_declined", code, LATER)
            for code in ("issuer_not_available", "try_again_later", "reenter_transaction")
        ),
        ("processing_error", None, LATER),
        *(("card_declined", code, OURS) for code in ("duplicate_transaction",)),
        *((code, None, OURS) for code in ("amount_too_small", "amount_too_large")),
    ],
)
def test_card_error(code, decline_code, cause):
    assert decline_by_card(card_error(code, decline_code)).cause is cause


@pytest.mark.parametrize(
    ("code", "param", "status", "cause"),
    [
        ("resource_missing", "payment_method", 404, CUSTOMER),
        (None, None, 404, CUSTOMER),  # an intent is created, so only the method can be unknown
        ("payment_method_unexpected_state", None, 400, CUSTOMER),
        ("payment_intent_authentication_failure", None, 400, CUSTOMER),
        ("payment_method_customer_decline", None, 400, CUSTOMER),
        ("payment_method_currency_mismatch", None, 400, CUSTOMER),
        ("payment_intent_payment_attempt_failed", None, 400, BANK),
        ("payment_method_provider_decline", None, 400, BANK),
        ("payment_method_provider_timeout", None, 400, LATER),
        ("resource_missing", "on_behalf_of", 404, OURS),
        *(
            (code, None, 400, OURS)
            for code in (
                *(None, "amount_too_small", "amount_too_large", "invalid_charge_amount", "parameter_missing"),
                *("parameter_unknown", "parameter_invalid_integer", "livemode_mismatch", "testmode_charges_only"),
                *("country_unsupported", "currency_not_supported", "payment_method_unactivated", "api_key_expired"),
                *("payment_method_unsupported_type", "account_invalid", "capability_not_active", "url_invalid"),
            )
        ),
        ("parameter_invalid_string_blank", "statement_descriptor_suffix", 400, OURS),
        (None, "currency", 400, OURS),
        (None, "amount", 400, OURS),
        (None, "payment_method_options[card][request_multicapture]", 400, OURS),
    ],
)
def test_refused_request(code, param, status, cause):
    assert decline_request(request_error(code, param, status), names_method=True).cause is cause


def test_unknown_intent_is_not_a_matter_of_the_customer():
    error = request_error("resource_missing", "intent", 404)

    assert decline_request(error, names_method=False).cause is OURS


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        ({"type": "card_error", "code": "card_declined", "decline_code": "do_not_honor", "message": "no"}, BANK),
        ({"type": "card_error", "code": "card_declined", "decline_code": "authentication_required"}, CUSTOMER),
        ({"type": "invalid_request_error", "code": "amount_too_small", "message": MESSAGE}, OURS),
        ({"type": "api_error", "message": MESSAGE}, OURS),
        (None, OURS),  # cancelled at Stripe
    ],
)
def test_last_attempt_of_intent(error, cause):
    last = None if error is None else SimpleNamespace(**error)

    assert decline_attempt(last, "requires_payment_method").cause is cause


class TestReason:
    def test_message_for_customer_is_that_of_stripe(self):
        assert decline_by_card(card_error(message="Your card was declined.")).reason == "Your card was declined."

    @pytest.mark.parametrize(
        "declined",
        [
            decline_request(request_error("amount_too_small", "amount"), names_method=True),
            decline_request(request_error(None, "statement_descriptor"), names_method=True),
            decline_by_card(card_error("processing_error")),
            decline_attempt(SimpleNamespace(type="api_error", message=MESSAGE), "canceled"),
        ],
        ids=["amount", "descriptor", "later", "attempt"],
    )
    def test_message_about_our_account_is_kept_in_the_log(self, declined):
        assert "acct_" not in declined.reason
        assert "sk_" not in declined.reason
        assert "card" not in declined.reason

    def test_reason_of_ours_has_code_and_request(self):
        declined = decline_request(request_error("amount_too_small"), names_method=True)

        assert declined.reason == "Stripe did not accept our request: amount_too_small in req_1"
