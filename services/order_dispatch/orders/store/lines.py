"""SQL of the lines and parcels of orders. Rows change only while the order's row is locked."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from asyncpg import Record

from libs.kit import Store as KitStore
from replenish_contracts.events import Evidence
from replenish_contracts.units import BaseUnit
from services.order_dispatch.domain.lines import Cancellation, LineState, OrderLine
from services.order_dispatch.domain.order import Order, Shipment

#: Columns of a new line, with their types; the others have their defaults.
_NEW = {
    "line_id": "text",
    "product_id": "text",
    "pool_id": "text",
    "epoch": "integer",
    "device_id": "text",
    "slot": "text",
    "packs": "integer",
    "pack_size": "bigint",
    "quantity": "bigint",
    "unit": "text",
    "scale": "smallint",
    "receipt_id": "text",
    "unit_price": "bigint",
    "state": "text",
}
#: Columns that decisions change.
_CHANGING = {
    "packs": "integer",
    "quantity": "bigint",
    "state": "text",
    "shipped_quantity": "bigint",
    "remaining_quantity": "bigint",
    "arrived_quantity": "bigint",
    "expected_at": "timestamptz",
    "delivered_at": "timestamptz",
    "evidence": "text",
    "substitute": "text",
    "billed": "bigint",
    "counted_quantity": "bigint",
    "returned_quantity": "bigint",
    "captured": "bigint",
    "captured_quantity": "bigint",
    "refunded": "bigint",
}
_CANCELLATION = {"cancel_by": "text", "cancel_reason": "text", "cancel_at": "timestamptz"}
_COLUMNS = ", ".join({"order_id": "", **_NEW, **_CHANGING, **_CANCELLATION})


def _arrays(columns: Mapping[str, str], first: int) -> str:
    """Return the arguments of unnest() for columns whose arrays are the parameters from `first` on."""
    return ", ".join(f"${first + place}::{kind}[]" for place, kind in enumerate(columns.values()))


#: INSERT of an order's lines; its parameters from `first` on are `new_line_values`.
def insert_lines(order_id: str, first: int) -> str:
    return f"""
        INSERT INTO order_line (order_id, {", ".join(_NEW)}, number)
        SELECT {order_id}, line.* FROM unnest({_arrays(_NEW, first)}) WITH ORDINALITY AS line
    """


def new_line_values(lines: Sequence[OrderLine]) -> list[list[Any]]:
    return [[getattr(line, name) for line in lines] for name in _NEW]


_UPDATE_LINES = f"""-- save_lines
UPDATE order_line SET {", ".join(f"{name} = changed.{name}" for name in (*_CHANGING, *_CANCELLATION))}
FROM unnest($2::text[], {_arrays(_CHANGING | _CANCELLATION, 3)})
    AS changed (line_id, {", ".join((*_CHANGING, *_CANCELLATION))})
WHERE order_line.order_id = $1 AND order_line.line_id = changed.line_id
"""


class OrderLines(KitStore):
    """SQL of lines and parcels; remembers what it read, so that only changed lines are written."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._stored_lines: dict[str, tuple[OrderLine, ...]] = {}
        self._stored_shipments: dict[str, tuple[Shipment, ...]] = {}

    async def read_lines(self, order_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return the fields `lines` and `shipments` of each order."""
        rows = await self.connection.fetch(
            f"""-- read_lines
            SELECT {_COLUMNS}, ARRAY(
                SELECT (s.number, s.shipment_id, part.quantity, s.tracking, s.arrived)
                FROM shipment_line AS part JOIN shipment AS s USING (order_id, shipment_id)
                WHERE part.order_id = order_line.order_id AND part.line_id = order_line.line_id
            ) AS parcels
            FROM order_line WHERE order_id = ANY($1::text[]) ORDER BY order_id, number
            """,
            order_ids,
        )
        found: dict[str, dict[str, Any]] = {order_id: {} for order_id in order_ids}
        by_order: dict[str, list[Record]] = {}
        for row in rows:
            by_order.setdefault(row["order_id"], []).append(row)
        for order_id, own in by_order.items():
            self._stored_lines[order_id] = tuple(_as_line(row) for row in own)
            self._stored_shipments[order_id] = _as_shipments(own)
            found[order_id] = {
                "lines": self._stored_lines[order_id],
                "shipments": self._stored_shipments[order_id],
            }
        return found

    async def save_lines(self, order: Order) -> None:
        """Write the lines and parcels of an order that changed since they were read."""
        stored = {line.line_id: line for line in self._stored_lines.get(order.order_id, ())}
        changed = [line for line in order.lines if stored.get(line.line_id) != line]
        if changed:
            values = [[getattr(line, name) for line in changed] for name in _CHANGING]
            cancellations = [line.cancellation for line in changed]
            values += [
                [None if request is None else getattr(request, name) for request in cancellations]
                for name in ("by", "reason", "occurred_at")
            ]
            await self.connection.execute(_UPDATE_LINES, order.order_id, [line.line_id for line in changed], *values)
            self._stored_lines[order.order_id] = order.lines
        known = self._stored_shipments.get(order.order_id, ())
        if order.shipments != known:
            await self._save_shipments(order, known)
            self._stored_shipments[order.order_id] = order.shipments

    async def _save_shipments(self, order: Order, known: Sequence[Shipment]) -> None:
        new = [parcel for parcel in order.shipments if all(parcel.shipment_id != old.shipment_id for old in known)]
        parts = [(parcel.shipment_id, *part) for parcel in new for part in parcel.quantities]
        await self.connection.execute(
            """-- save_shipments
            INSERT INTO shipment (order_id, shipment_id, tracking, arrived, number)
            SELECT $1, parcel.* FROM unnest($2::text[], $3::text[], $4::boolean[]) WITH ORDINALITY AS parcel
            ON CONFLICT (order_id, shipment_id) DO UPDATE SET arrived = excluded.arrived
            """,
            order.order_id,
            [parcel.shipment_id for parcel in order.shipments],
            [parcel.tracking for parcel in order.shipments],
            [parcel.arrived for parcel in order.shipments],
        )
        await self.connection.execute(
            """-- save_shipment_lines
            INSERT INTO shipment_line (order_id, shipment_id, line_id, quantity)
            SELECT $1, part.* FROM unnest($2::text[], $3::text[], $4::bigint[]) AS part
            """,
            order.order_id,
            *([part[column] for part in parts] for column in range(3)),
        )


def _as_line(row: Record) -> OrderLine:
    columns = dict(row)
    by, reason, at = (columns.pop(name) for name in _CANCELLATION)
    del columns["order_id"], columns["parcels"]
    columns["cancellation"] = None if by is None else Cancellation(by, reason, at)
    columns["unit"] = BaseUnit(columns["unit"])
    columns["state"] = LineState(columns["state"])
    columns["evidence"] = columns["evidence"] and Evidence(columns["evidence"])
    return OrderLine(**columns)


def _as_shipments(rows: Iterable[Record]) -> tuple[Shipment, ...]:
    parcels: dict[int, Shipment] = {}
    for row in rows:
        for number, shipment_id, quantity, tracking, arrived in row["parcels"]:
            known = parcels.get(number)
            before = known.quantities if known is not None else ()
            parcels[number] = Shipment(shipment_id, (*before, (row["line_id"], quantity)), tracking, arrived)
    return tuple(parcel for _, parcel in sorted(parcels.items()))
