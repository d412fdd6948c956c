"""Customers: what is personal, and what is not."""

from dataclasses import dataclass

from libs.contracts.events import ShipTo


@dataclass(frozen=True)
class Customer:
    """Somebody who is served; nothing here says who."""

    customer_id: str
    locale: str
    time_zone: str


@dataclass(frozen=True)
class Person:
    """Who a customer is and where the goods go."""

    name: str
    email: str
    ship_to: ShipTo
