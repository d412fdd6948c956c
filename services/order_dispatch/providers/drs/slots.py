"""Slots in DRS's format: subscriptions, and levels in DRS's units."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from replenish_contracts.units import BaseUnit
from replenish_contracts.units.spellings import find_unit
from services.order_dispatch.domain.countries import is_us_customary
from services.order_dispatch.domain.links import RemoteItem, RemoteSlot, SlotUse
from services.order_dispatch.providers.drs.messages import as_list, as_object, format_time

#: Units of DRS in the US, and in all other countries.
US_UNITS = {BaseUnit.GRAM: "oz", BaseUnit.MILLILITRE: "us fl oz"}
UNITS = {BaseUnit.GRAM: "kg", BaseUnit.MILLILITRE: "l"}


def remote_slots(statuses: Any) -> tuple[RemoteSlot, ...]:
    """Parse slotsSubscriptionStatus: `{slot: bool}` or `{slot: {subscribed, productInfoList}}`."""
    found = []
    for slot, state in sorted(as_object(statuses).items()):
        status = {"subscribed": state} if isinstance(state, bool) else as_object(state)
        items = tuple(map(_item, as_list(status.get("productInfoList"))))
        found.append(RemoteSlot(slot, status.get("subscribed") is True, items))
    return tuple(found)


def status_body(use: SlotUse, country: str) -> dict[str, Any]:
    return {
        "expectedReplenishmentDate": format_time(use.runs_out_at),
        "remainingQuantityInUnit": amount(use.level, use, country),
        "originalQuantityInUnit": amount(max(use.capacity, use.level), use, country),
        "totalQuantityOnHand": amount(use.on_hand or 0, use, country),
        "lastUseDate": format_time(use.used_at),
    }


def amount(steps: int, use: SlotUse, country: str) -> float:
    unit = (US_UNITS if is_us_customary(country) else UNITS).get(use.unit)
    factor = find_unit(unit, use.unit).factor if unit else Fraction(1)
    exact = Fraction(steps, 10**use.scale) / factor
    return exact.numerator if exact.denominator == 1 else round(float(exact), 6)


def _item(product: Mapping[str, Any]) -> RemoteItem:
    quantity, unit = product.get("quantity"), product.get("unit")
    counted = isinstance(quantity, int | float) and not isinstance(quantity, bool)
    return RemoteItem(
        str(product.get("asin", ""))[:200], quantity if counted else None, unit if isinstance(unit, str) else None
    )
