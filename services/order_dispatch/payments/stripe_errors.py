"""What Stripe's errors mean: whose turn it is when a payment is declined.

Sources, read 2026-12-02: docs.stripe.com/error-codes (codes of all errors), docs.stripe.com/declines/codes (codes of
issuers, with next steps), docs.stripe.com/error-handling (types). An error about a card whose code is not listed here
was declined by the bank; any other error is ours.
"""

import logging
from collections.abc import Iterable
from typing import Any

import stripe

from services.order_dispatch.payments.domain.protocol import DeclineCause, Declined

LOG = logging.getLogger(__name__)

_CUSTOMER_CODES = """
    authentication_required authentication_not_handled mobile_device_authentication_required offline_pin_required
    online_or_offline_pin_required payment_intent_action_required payment_intent_authentication_failure
    expired_card expired_payment_method testmode_decline card_decline_rate_limit_exceeded
    incorrect_address incorrect_cvc incorrect_number incorrect_pin incorrect_postal_code incorrect_zip invalid_account
    invalid_card_type invalid_cvc invalid_expiry_month invalid_expiry_year invalid_number invalid_pin pin_try_exceeded
    new_account_information_available postal_code_invalid payment_method_billing_details_address_missing
    payment_method_currency_mismatch payment_method_customer_decline payment_method_invalid_parameter
    payment_intent_mandate_invalid india_recurring_payment_mandate_canceled payment_method_bank_account_blocked
"""
_BANK_CODES = """
    card_declined charge_exceeds_source_limit charge_exceeds_transaction_limit debit_not_authorized insufficient_funds
    payment_intent_payment_attempt_failed payment_method_provider_decline payment_method_restricted refer_to_customer
"""
_LATER_CODES = """
    issuer_not_available processing_error reenter_transaction try_again_later payment_method_not_available
    payment_method_provider_timeout payment_intent_payment_attempt_expired lock_timeout rate_limit
"""
#: Sent for a card, but about the amount, the account or a repeated charge of ours.
_OUR_CODES = "amount_too_large amount_too_small duplicate_transaction invalid_charge_amount livemode_mismatch"
CAUSES = {
    code: cause
    for cause, codes in {
        DeclineCause.CUSTOMER: _CUSTOMER_CODES,
        DeclineCause.BANK: _BANK_CODES,
        DeclineCause.LATER: _LATER_CODES,
        DeclineCause.OURS: _OUR_CODES,
    }.items()
    for code in codes.split()
}
#: Parameters that contain the customer's payment method; an error about one of them is not about our request.
_METHOD_PARAMS = frozenset({"payment_method", "source", "card", "customer"})
_NOT_FOUND = 404
#: Codes of a payment method that was deleted, or detached from its customer.
_GONE = frozenset({"resource_missing", "payment_method_unexpected_state"})


def decline_by_card(error: stripe.CardError) -> Declined:
    return _decline(
        (_text(error.error, "decline_code"), error.code), error.user_message, "the card was declined", error.request_id
    )


def decline_request(error: stripe.InvalidRequestError, *, names_method: bool) -> Declined:
    """Decline a request that Stripe refused; `names_method` if it named the customer's payment method.

    A method that Stripe does not know, or no longer, is the customer's to replace.
    """
    is_unknown = error.http_status == _NOT_FOUND or error.code in _GONE
    if names_method and is_unknown and (not error.param or error.param in _METHOD_PARAMS):
        return Declined(error.user_message or "the payment method does not exist any more", DeclineCause.CUSTOMER)
    cause = CAUSES.get(error.code or "", DeclineCause.OURS)
    return _decline((error.code,), error.user_message, "the request was refused", error.request_id, default=cause)


def decline_attempt(last_error: Any, status: str) -> Declined:
    """Decline an intent by the error of its last attempt; without one it was cancelled at Stripe."""
    if last_error is None:
        return Declined(f"the payment is {status}", DeclineCause.OURS)
    codes = (_text(last_error, "decline_code"), _text(last_error, "code"))
    is_card = _text(last_error, "type") in ("card_error", None)
    default = DeclineCause.BANK if is_card else DeclineCause.OURS
    return _decline(codes, _text(last_error, "message"), f"the payment is {status}", None, default=default)


def _decline(
    codes: Iterable[str | None],
    message: str | None,
    fallback: str,
    request_id: str | None,
    *,
    default: DeclineCause = DeclineCause.BANK,
) -> Declined:
    """Decline with the cause of the first known code, which is the most specific.

    The reason has Stripe's message only if it is meant for the customer; what is ours may name keys and settings, so
    the reason has its code, and the log the message.
    """
    known = [code for code in codes if code]
    cause = next((CAUSES[code] for code in known if code in CAUSES), default)
    if cause.concerns_customer:
        return Declined(message or (known[0] if known else fallback), cause)
    LOG.error("Stripe declined a payment for a reason of ours: %s %s (%s)", known, message, request_id)
    about = " ".join(filter(None, (known[0] if known else None, request_id and f"in {request_id}")))
    if cause is DeclineCause.LATER:
        return Declined(f"Stripe or the bank was not available: {about}", cause)
    return Declined(f"Stripe did not accept our request: {about or 'no code'}", cause)


def _text(error: Any, name: str) -> str | None:
    value = getattr(error, name, None)
    return value if isinstance(value, str) else None
