"""An order's slot, provider and offer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import Any

from replenish_contracts.units import MOST_STEPS, BaseUnit


class DeviceStatus(StrEnum):
    """Whether orders for a device are accepted."""

    ACTIVE = "active"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Slot:
    """The slot that an order is for; after a replacement, the slot of the new device."""

    device_id: str
    slot: str
    customer_id: str
    unit: BaseUnit
    scale: int
    device: DeviceStatus


#: Amazon keeps a problem with an order open for 72 hours.
RESOLUTION_HOURS = 72


@dataclass(frozen=True, slots=True)
class Provider:
    """A company that delivers orders."""

    provider_id: str
    name: str
    protocol: str
    active: bool = True
    #: Days from order to delivery if the provider reports no date.
    lead_time_days: float | None = None
    #: Payment service (a module of payments/); None if the provider bills its customers itself.
    payment: str | None = None
    #: Base URL of its server, and settings that only its protocol reads.
    url: str | None = None
    account: Mapping[str, Any] = field(default_factory=dict)
    #: Hours from draft to submission (None: the deployment's default), and the hours in which packs can be changed.
    cancel_window_hours: float | None = None
    modify_window_hours: float | None = None
    #: Hours that the customer has to resolve a problem before the order is cancelled.
    resolution_hours: float = RESOLUTION_HOURS
    #: The provider may deliver another product than the one ordered.
    allows_substitutes: bool = False
    #: All orders are test orders, without money and goods.
    test: bool = False

    def hours_before_submission(self, default: float) -> float:
        cancel = default if self.cancel_window_hours is None else self.cancel_window_hours
        return max(cancel, self.modify_window_hours or 0)


@dataclass(frozen=True, slots=True)
class Offer:
    """A product in one pack of `pack_size` steps of 10**-scale units; the price is in minor units."""

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
    """Return the price in minor units; None if the offer has another pack size or unit, or above MOST_STEPS."""
    ordered = Fraction(pack_size, 10**slot.scale)
    offered = Fraction(offer.pack_size, 10**offer.scale)
    price = packs * offer.price
    return price if offer.unit is slot.unit and ordered == offered and price <= MOST_STEPS else None
