"""From an approved reorder to a drafted order: what it needs to know about slot, provider and offer."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Any

from replenish_contracts.events import Fault, OrderDrafted, ReorderApproved
from replenish_contracts.units import MOST_STEPS, BaseUnit
from services.order_dispatch.domain.endings import fail, withdraw
from services.order_dispatch.domain.orders import Cancellation, Order, Step, Turn
from services.order_dispatch.domain.states import State


class Device(StrEnum):
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
    device: Device


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


def draft(
    approved: ReorderApproved,
    slot: Slot,
    provider: Provider | None,
    offer: Offer | None,
    at: datetime,
    suspected: str | None = None,
) -> Turn:
    """Make the order; where it can never be placed it ends at once, with the reason.

    `suspected` is the order of this pool that an operator takes for fraud.
    """
    order = replace(_order(approved, slot, offer, at), test=provider is not None and provider.test)
    turn = Turn(order, (Step(1, None, State.DRAFTED, at, "reorder approved"),))
    turn = turn.say(
        OrderDrafted(
            **order.fact(at),
            packs=order.packs,
            quantity=order.quantity,
            price=order.price,
            currency=order.currency,
        )
    )
    if slot.device is Device.LEFT or slot.customer_id != approved.customer_id:
        wish = Cancellation("deregistration", "the device left before the order was placed", at)
        return _and_then(turn, withdraw(order, wish))
    if provider is None:
        return _and_then(turn, fail(order, f"there is no provider {order.provider_id}", at))
    if not provider.active:
        return _and_then(turn, fail(order, f"{provider.name} is not active", at))
    if suspected is not None:
        return _and_then(turn, fail(order, f"order {suspected} of this pool is taken for fraud", at, Fault.FRAUD))
    return turn


def _order(approved: ReorderApproved, slot: Slot, offer: Offer | None, at: datetime) -> Order:
    price = None if offer is None else price_of(approved.packs, approved.pack_size, slot, offer)
    return Order(
        order_id=approved.order_id,
        customer_id=approved.customer_id,
        product_id=approved.product_id,
        pool_id=approved.pool_id,
        provider_id=approved.provider_id,
        device_id=slot.device_id,
        slot=slot.slot,
        packs=approved.packs,
        pack_size=approved.pack_size,
        quantity=approved.quantity,
        unit=slot.unit,
        scale=slot.scale,
        receipt_id=approved.receipt_id,
        drafted_at=at,
        price=price,
        currency=offer.currency if offer and price is not None else None,
        needed_by=approved.needed_by,
    )


def price_of(packs: int, pack_size: int, slot: Slot, offer: Offer) -> int | None:
    """Return what the packs cost in minor units; None where the offer is about another pack, or beyond all bounds."""
    ordered = Fraction(pack_size, 10**slot.scale)
    offered = Fraction(offer.pack_size, 10**offer.scale)
    price = packs * offer.price
    return price if offer.unit is slot.unit and ordered == offered and price <= MOST_STEPS else None


def _and_then(first: Turn, second: Turn) -> Turn:
    return Turn(second.order, first.steps + second.steps, first.events + second.events, first.asks + second.asks)
