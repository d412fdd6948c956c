"""Options of a DRS client, and DRS's units."""

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from replenish_contracts.units import BaseUnit
from replenish_contracts.units.spellings import find_unit
from services.order_dispatch.domain.links import RemoteItem, RemoteSlot, SlotUse
from services.order_dispatch.providers.drs.wire import as_list, as_object, format_time

COUNTRY = re.compile("[A-Z]{2}")
#: The documented path, and the one that all known clients use.
CANCEL_PATHS = {"documented": "/testOrders/{slot}", "clients": "/testOrders/slots/{slot}"}


def check_options(options: Mapping[str, Any]) -> None:
    """Raise ValueError with name and remedy of the first invalid option."""
    for name, (is_valid, remedy) in OPTIONS.items():
        if name in options and not is_valid(options[name]):
            raise ValueError(f"{name}: send {remedy}")


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_country(value: Any) -> bool:
    return isinstance(value, str) and COUNTRY.fullmatch(value) is not None


def _are_topics(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(arn, str) and arn.startswith("arn:") for arn in value)


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and value in CANCEL_PATHS


def _is_version(value: Any) -> bool:
    return isinstance(value, int) and value in {1, 2}


#: Validator and expected format of each option; unknown options are ignored.
OPTIONS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "device_model": (_is_text, "text"),
    "country": (_is_country, "two capital letters, such as US"),
    "topic_arns": (_are_topics, "a list of ARNs"),
    "is_test_device": (_is_flag, "true or false"),
    "should_include_non_live": (_is_flag, "true or false"),
    "cancel_test_path": (_is_path, "clients or documented"),
    "subscription_info_version": (_is_version, "1 or 2"),
    "deregister_version": (_is_version, "1 or 2"),
}
#: Units of DRS in the US, and in all other countries.
US_UNITS = {BaseUnit.GRAM: "oz", BaseUnit.MILLILITRE: "fl oz"}
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
    """Convert steps of a slot to DRS's unit in this country."""
    unit = (US_UNITS if country == "US" else UNITS).get(use.unit)
    factor = find_unit(unit, use.unit).factor if unit else Fraction(1)
    exact = Fraction(steps, 10**use.scale) / factor
    return exact.numerator if exact.denominator == 1 else round(float(exact), 6)


def _item(product: Mapping[str, Any]) -> RemoteItem:
    quantity, unit = product.get("quantity"), product.get("unit")
    counted = isinstance(quantity, int | float) and not isinstance(quantity, bool)
    return RemoteItem(
        str(product.get("asin", ""))[:200], quantity if counted else None, unit if isinstance(unit, str) else None
    )
