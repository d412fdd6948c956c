"""Builders of payments and of payment services' answers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from services.order_dispatch.payments.domain import (
    Confirmed,
    CurrencyRules,
    Declined,
    Mandate,
    Payment,
    Status,
    apply_answer,
    open_payment,
    request_capture,
    request_void,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
WEEK = timedelta(days=7)
NEW = Payment("pay1", "o1", "ann", "pods", "ann/pods", "acme", "sandbox", "EUR", 1000, 0)
#: A payment whose service captures several times.
NEW_SEVERAL = replace(NEW, captures_several=True)
#: Rules of currencies: any amount, without the last digit or the last two, and with a smallest part.
RULES = (CurrencyRules(), CurrencyRules(step=10), CurrencyRules(step=100), CurrencyRules(step=10, minimum=50))
MANDATE = Mandate(5000, "EUR")
CONFIRMED_STATUS = {
    "authorize": Status.AUTHORIZED,
    "capture": Status.CAPTURED,
    "void": Status.VOIDED,
    "refund": Status.REFUNDED,
}


def authorizing(new=NEW):
    return open_payment(new, MANDATE, NOON).payment


def authorized(new=NEW):
    return confirm(authorizing(new)).payment


def capture_part(payment, due_total):
    """Request a part and confirm it."""
    return confirm(request_capture(payment, due_total, NOON, final=False).payment)


def captured_part(due_total=300):
    """Return a payment of 1000 that is captured in part, with more to follow."""
    return capture_part(authorized(NEW_SEVERAL), due_total).payment


def captured(amount=1000):
    return confirm(request_capture(authorized(), amount, NOON).payment).payment


def voided():
    return confirm(request_void(authorized(), NOON).payment).payment


def answer(payment, answer, now=NOON):
    return apply_answer(payment, answer, now, WEEK)


def confirm(payment):
    """Confirm the step in progress."""
    status = CONFIRMED_STATUS[payment.step]
    return answer(payment, Confirmed(status, "sp_1", payment.requested_amount, payment.currency))


def decline(payment, reason="no"):
    return answer(payment, Declined(reason))


def balances(*decisions):
    """Return the balance of each account after these decisions."""
    sums = {}
    for decision in decisions:
        for booking in decision.bookings:
            assert sum(amount for _, amount in booking.entries) == 0
            for account, amount in booking.entries:
                sums[account] = sums.get(account, 0) + amount
    return {account: amount for account, amount in sums.items() if amount}


def event_names(decision):
    return [type(event).__name__ for event in decision.events]
