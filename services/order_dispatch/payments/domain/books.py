"""Double entry: every movement of money is a transaction whose entries sum to zero.

A positive entry is money we have or have a claim to, a negative one money we owe. Reserved money is a
claim on the payment service (`held:`) that we owe the customer back; taken money lies at the payment
service (`cash:`) and is owed to the provider whose goods left.
"""

from dataclasses import dataclass
from enum import StrEnum


class BookingKind(StrEnum):
    """Why money moved."""

    RESERVED = "reserved"
    RELEASED = "released"
    TAKEN = "taken"
    GIVEN_BACK = "refunded"


@dataclass(frozen=True, slots=True)
class Accounts:
    """The accounts that one payment touches."""

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


def reserve(accounts: Accounts, amount: int) -> Booking:
    return Booking(BookingKind.RESERVED, ((accounts.held, amount), (accounts.customer, -amount)))


def release(accounts: Accounts, amount: int) -> Booking:
    return Booking(BookingKind.RELEASED, ((accounts.customer, amount), (accounts.held, -amount)))


def take(accounts: Accounts, amount: int) -> Booking:
    """Turn reserved money into money taken; what was reserved beyond it is released by its own booking."""
    entries = (
        (accounts.cash, amount),
        (accounts.held, -amount),
        (accounts.customer, amount),
        (accounts.provider, -amount),
    )
    return Booking(BookingKind.TAKEN, entries)


def refund(accounts: Accounts, amount: int) -> Booking:
    return Booking(BookingKind.GIVEN_BACK, ((accounts.provider, amount), (accounts.cash, -amount)))
