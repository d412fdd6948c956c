"""What an order needs to know about its slot, its provider and the provider's offer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import Any

from replenish_contracts.units import MOST_STEPS, BaseUnit


class DeviceStatus(StrEnum):
    """Whether a device may still have orders."""

    ACTIVE = "active"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Slot:
    """Where the goods go; `device_id` and `slot` are today's, after replacements."""

    device_id: str
    slot: str
    customer_id: str
    unit: BaseUnit
    scale: int
    device: DeviceStatus


#: As long as a problem with an order stays open at Amazon.
RESOLUTION_HOURS = 72


@dataclass(frozen=True, slots=True)
class Provider:
    """Who can be asked, and how."""

    provider_id: str
    name: str
    protocol: str
    active: bool = True
    #: Days from order to door where the provider gives no date.
    lead_time_days: float | None = None
    #: The file in payments/ that takes its customers' money; without one it bills them itself, or on account.
    payment: str | None = None
    #: Where it is called, and what its protocol wants to know besides.
    url: str | None = None
    account: Mapping[str, Any] = field(default_factory=dict)
    #: How long an order waits before the provider is asked, and how long of that it may be changed.
    cancel_window_hours: float | None = None
    modify_window_hours: float | None = None
    #: How long an order waits for the customer to settle a problem before the provider gives it up.
    resolution_hours: float = RESOLUTION_HOURS
    #: Whether it may send another product than the one ordered.
    allows_substitutes: bool = False
    #: Orders here are rehearsals: no money, no goods.
    test: bool = False

    def waits_hours(self, usual: float) -> float:
        """Return how long an order waits before the provider is asked: a window that may change it keeps it waiting."""
        cancel = usual if self.cancel_window_hours is None else self.cancel_window_hours
        return max(cancel, self.modify_window_hours or 0)


@dataclass(frozen=True, slots=True)
class Offer:
    """What a provider sells; the pack holds `pack_size` steps of 10**-scale units."""

    provider_id: str
    product_id: str
    title: str
    pack_size: int
    unit: BaseUnit
    scale: int
    price: int
    currency: str
    available: bool = True


def price_of(packs: int, pack_size: int, slot: Slot, offer: Offer) -> int | None:
    """Return what the packs cost in minor units; None where the offer is about another pack, or beyond all bounds."""
    ordered = Fraction(pack_size, 10**slot.scale)
    offered = Fraction(offer.pack_size, 10**offer.scale)
    price = packs * offer.price
    return price if offer.unit is slot.unit and ordered == offered and price <= MOST_STEPS else None
