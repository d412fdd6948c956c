"""Lines of orders in the samples' own terms, and the parcels in which they leave."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

Line = dict[str, Any]


class Parcel(NamedTuple):
    """Lines that leave together."""

    lines: Sequence[Line]
    #: None if the order leaves in one parcel.
    shipment_id: str | None = None
    #: Days between the first parcel and this one.
    days_later: int = 0


def lines_of(request: Mapping[str, Any]) -> list[Line]:
    """Return the lines of a request; one without lines has a single line, which its own fields describe."""
    return list(request.get("lines") or [{**request, "line_id": "1"}])


def price_of(line: Mapping[str, Any]) -> int | None:
    """Return the price of a requested line, in minor units."""
    return None if line.get("unit_price") is None else line["unit_price"] * line["packs"]


def parcels_of(order_id: str, lines: Sequence[Line], *, part_shipments: bool) -> list[Parcel]:
    """Return the parcels in the order in which they leave.

    With part shipments, the first line of an order of several leaves a day later than the others.
    """
    first, *others = lines
    if not part_shipments or not others:
        return [Parcel(lines)]
    return [Parcel(others, f"{order_id}-1"), Parcel([first], f"{order_id}-2", days_later=1)]
