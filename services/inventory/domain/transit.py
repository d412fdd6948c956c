"""Consignments of a batch of orders: read once, changed step by step, written together."""

from collections.abc import Mapping
from typing import NamedTuple

from services.inventory.domain.goods import Consignment, Goods


class LineKey(NamedTuple):
    """A line of an order."""

    order_id: str
    line_id: str


class ShipmentLine(NamedTuple):
    """The quantity of a line in one shipment."""

    line: LineKey
    shipment_id: str
    quantity: int


class LineChange(NamedTuple):
    """What an event changes of one line: its quantity, and the consignment before and after it.

    Only a shipment or a delivery changes how much left; the journey is changed by the customer's side.
    """

    line: LineKey
    product_id: str
    quantity: int
    before: Consignment
    after: Consignment

    @property
    def left(self) -> int:
        """The quantity that left the provider and was not known to have left."""
        return self.after.shipped - self.before.shipped


class Transit:
    """The consignments of the batch's orders, and those to write."""

    def __init__(self, known: Mapping[LineKey, tuple[Goods, Consignment]]) -> None:
        self._known: dict[str, dict[str, tuple[Goods, Consignment]]] = {}
        for line, found in known.items():
            self._known.setdefault(line.order_id, {})[line.line_id] = found
        self._changed: dict[LineKey, None] = {}
        #: Shipments of lines reported for the first time.
        self.shipments: list[ShipmentLine] = []

    @property
    def changed(self) -> dict[LineKey, tuple[Goods, Consignment]]:
        return {line: self._known[line.order_id][line.line_id] for line in self._changed}

    def get(self, line: LineKey) -> Consignment:
        found = self._known.get(line.order_id, {}).get(line.line_id)
        return found[1] if found else Consignment()

    def of_order(self, order_id: str) -> Mapping[str, tuple[Goods, Consignment]]:
        """Return the known consignments of an order by line id."""
        return self._known.get(order_id, {})

    def leave(self, line: LineKey, goods: Goods, quantity: int, shipment_id: str | None) -> Consignment:
        before = self.get(line)
        after = before.leave(quantity, shipment_id)
        if shipment_id is not None and shipment_id not in before.shipments:
            self.shipments.append(ShipmentLine(line, shipment_id, quantity))
        if after != before:
            self.save(line, goods, after)
        return after

    def save(self, line: LineKey, goods: Goods, consignment: Consignment) -> None:
        self._known.setdefault(line.order_id, {})[line.line_id] = goods, consignment
        self._changed[line] = None
