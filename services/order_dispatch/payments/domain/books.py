"""Double-entry bookings of payments: the entries of every transaction sum to zero.

A positive entry is money that we have or may claim, a negative one money that we owe. An authorized amount is a claim
on the payment service (`held:`), owed to the customer; a captured amount is cash at the payment service (`cash:`), owed
to the provider.
"""

from dataclasses import dataclass
from enum import StrEnum


class BookingKind(StrEnum):
    """The step of a payment that a transaction records."""

    AUTHORIZED = "authorized"
    RELEASED = "released"
    CAPTURED = "captured"
    REFUNDED = "refunded"


@dataclass(frozen=True, slots=True)
class Accounts:
    """Names of the accounts that one payment uses."""

    customer_id: str
    provider_id: str
    service: str

    @property
    def customer(self) -> str:
        return f"customer:{self.customer_id}"

    @property
    def provider(self) -> str:
        return f"provider:{self.provider_id}"

    @property
    def held(self) -> str:
        return f"held:{self.service}"

    @property
    def cash(self) -> str:
        return f"cash:{self.service}"


@dataclass(frozen=True, slots=True)
class Booking:
    """One transaction: entries of (account, amount in minor units)."""

    kind: BookingKind
    entries: tuple[tuple[str, int], ...]


def book_authorization(accounts: Accounts, amount: int) -> Booking:
    return Booking(BookingKind.AUTHORIZED, ((accounts.held, amount), (accounts.customer, -amount)))


def book_release(accounts: Accounts, amount: int) -> Booking:
    return Booking(BookingKind.RELEASED, ((accounts.customer, amount), (accounts.held, -amount)))


def book_capture(accounts: Accounts, amount: int) -> Booking:
    """Turn an authorized amount into cash; the rest of the authorization is released by a booking of its own."""
    entries = (
        (accounts.cash, amount),
        (accounts.held, -amount),
        (accounts.customer, amount),
        (accounts.provider, -amount),
    )
    return Booking(BookingKind.CAPTURED, entries)


def book_refund(accounts: Accounts, amount: int) -> Booking:
    return Booking(BookingKind.REFUNDED, ((accounts.provider, amount), (accounts.cash, -amount)))
