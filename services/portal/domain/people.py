"""Customers, with personal data kept apart."""

from dataclasses import dataclass

from replenish_contracts.events import ShipTo


@dataclass(frozen=True)
class Customer:
    """A customer without personal data."""

    customer_id: str
    locale: str
    time_zone: str
    #: Of the delivery address; None for an erased customer.
    country: str | None = None


@dataclass(frozen=True)
class Person:
    """Personal data of a customer."""

    name: str
    email: str
    ship_to: ShipTo
