"""Builders of payments."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from services.order_dispatch.payments.domain import (
    Confirmed,
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
MANDATE = Mandate(5000, "EUR")


def opened(**changes):
    return open_payment(replace(NEW, **changes), MANDATE, NOON).payment


def receipt(payment, status, amount=None):
    return Confirmed(status, "sp_1", payment.requested_amount if amount is None else amount, payment.currency)


def settled(payment, answer, at=NOON):
    return apply_answer(payment, answer, at, WEEK)


HAPPENS = {
    "authorize": Status.AUTHORIZED,
    "capture": Status.CAPTURED,
    "void": Status.VOIDED,
    "refund": Status.REFUNDED,
}


def done(payment):
    """Return what the step under way does when it works."""
    return settled(payment, receipt(payment, HAPPENS[payment.step]))


def declined(payment, reason="no"):
    return settled(payment, Declined(reason))


def authorized():
    return done(opened()).payment


def captured(amount=1000):
    return done(request_capture(authorized(), amount, NOON).payment).payment


def voided():
    return done(request_void(authorized(), NOON).payment).payment


def balances(*turns):
    """Return what the bookings of these turns leave on each account."""
    sums = {}
    for decision in turns:
        for booking in decision.bookings:
            assert sum(amount for _, amount in booking.entries) == 0
            for account, amount in booking.entries:
                sums[account] = sums.get(account, 0) + amount
    return {account: amount for account, amount in sums.items() if amount}


def names(decision):
    return [type(event).__name__ for event in decision.events]
