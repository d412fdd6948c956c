"""Builders: households, their devices and subscriptions."""

import itertools
from dataclasses import dataclass
from typing import Any

_numbers = itertools.count(1)

PROVIDER = "acme"
TITLE = "Coffee pods"


@dataclass(frozen=True)
class Slot:
    """One slot of a registration; quantities are pieces by default."""

    slot: str = "1"
    level: int = 10
    capacity: int = 100
    loading: str = "direct"
    fill: str = "add"
    unit: str = "C62"
    scale: int = 0

    def registered(self, product_id: str) -> dict[str, Any]:
        return {"name": TITLE, "product_id": product_id, **vars(self)}


@dataclass(frozen=True)
class Wish:
    """A subscription: order `packs` of `pack_size` at `at_level`, or when the stock lasts `days`."""

    at_level: int = 3
    days: float = 0
    packs: int = 1
    pack_size: int = 50
    mode: str = "auto"
    reports: int = 1

    def subscribed(self, product_id: str) -> dict[str, Any]:
        return {"product_id": product_id, "provider_id": PROVIDER, **vars(self)}


@dataclass(frozen=True)
class Household:
    """A household with its own customer, devices and product."""

    number: int
    slots: tuple[Slot, ...]
    wish: Wish
    subscribes: bool = True
    offered: bool = True

    @property
    def email(self) -> str:
        return f"family-{self.number}@example.com"

    @property
    def product_id(self) -> str:
        return f"coffee-pods-{self.number}"

    @property
    def device_id(self) -> str:
        return f"machine-{self.number}"

    def joined(self) -> dict[str, Any]:
        name = f"Family {self.number}"
        ship_to = {"name": name, "line1": "1 Loop Road", "postal_code": "10115", "city": "Berlin", "country": "DE"}
        return {"name": name, "email": self.email, "ship_to": ship_to}

    def offer(self) -> dict[str, Any]:
        pack_size = {"quantity": self.wish.pack_size, "unit": "count"}
        return {"title": TITLE, "pack_size": pack_size, "price": {"amount": "17.90", "currency": "EUR"}}


def household(*, subscribes: bool = True, offered: bool = True, slots: tuple[Slot, ...] = (), **more: Any) -> Household:
    """Return a household with one slot with direct loading; `more` are fields of slot or subscription."""
    slot = {name: more.pop(name) for name in list(more) if name in Slot.__dataclass_fields__}
    return Household(next(_numbers), slots or (Slot(**slot),), Wish(**more), subscribes, offered)


def slot(**fields: Any) -> Slot:
    return Slot(**fields)
