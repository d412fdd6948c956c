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
    "expected_date": "date",
    "is_unclear": "boolean",
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
_CHANGED = {"line_id": "text"} | _CHANGING | _CANCELLATION
#: Columns of a line in statements about `orders AS o JOIN order_line AS l`, which as_lines reads; its parcels are read
#: only if the order has any.
LINE_COLUMNS = f"""
    {", ".join(f"l.{name} AS line_{name}" for name in _NEW | _CHANGING | _CANCELLATION)},
    CASE WHEN o.shipments > 0 THEN ARRAY(
        SELECT (s.number, s.shipment_id, part.quantity, s.tracking, s.arrived)
        FROM shipment_line AS part JOIN shipment AS s USING (order_id, shipment_id)
        WHERE part.order_id = l.order_id AND part.line_id = l.line_id
    ) END AS parcels
"""


def _arrays(columns: Mapping[str, str], first: int) -> str:
    """Return the arguments of unnest() for columns whose arrays are the parameters from `first` on."""
    return ", ".join(f"${first + place}::{kind}[]" for place, kind in enumerate(columns.values()))


def insert_lines(order_id: str, first: int) -> str:
    """Return an INSERT of an order's lines; its parameters from `first` on are `new_line_values`."""
    return f"""
        INSERT INTO order_line (order_id, {", ".join(_NEW)}, number)
        SELECT {order_id}, line.* FROM unnest({_arrays(_NEW, first)}) WITH ORDINALITY AS line
    """


def new_line_values(lines: Sequence[OrderLine]) -> list[list[Any]]:
    return [[getattr(line, name) for line in lines] for name in _NEW]


def update_lines(order_id: str, first: int) -> str:
    """Return an UPDATE of lines; its parameters from `first` on are `changed_line_values`."""
    names = (*_CHANGING, *_CANCELLATION)
    return f"""
        UPDATE order_line SET {", ".join(f"{name} = changed.{name}" for name in names)}
        FROM unnest({_arrays(_CHANGED, first)}) AS changed ({", ".join(_CHANGED)})
        WHERE order_line.order_id = {order_id} AND order_line.line_id = changed.line_id
    """


def changed_line_values(lines: Sequence[OrderLine]) -> list[list[Any]]:
    values = [[getattr(line, name) for line in lines] for name in ("line_id", *_CHANGING)]
    requests = [line.cancellation for line in lines]
    return values + [
        [None if request is None else getattr(request, name) for request in requests]
        for name in ("by", "reason", "occurred_at")
    ]


class OrderLines(KitStore):
    """SQL of lines and parcels; remembers what it read, so that only changed lines are written."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._stored: dict[str, tuple[tuple[OrderLine, ...], tuple[Shipment, ...]]] = {}

    def as_lines(self, order_id: str, rows: Sequence[Record]) -> dict[str, Any]:
        """Return the fields `lines` and `shipments` of an order from its rows with LINE_COLUMNS."""
        lines = tuple(_as_line(row) for row in rows)
        shipments = _as_shipments(rows) if rows[0]["parcels"] is not None else ()
        self._stored[order_id] = (lines, shipments)
        return {"lines": lines, "shipments": shipments}

    def find_changed_lines(self, order: Order) -> list[OrderLine]:
        """Return the lines that differ from what was read."""
        stored, _ = self._stored.get(order.order_id, ((), ()))
        if stored is order.lines:
            return []
        known = {line.line_id: line for line in stored}
        return [line for line in order.lines if known.get(line.line_id) != line]

    async def save_shipments(self, order: Order) -> None:
        """Write the parcels of an order that are new or have arrived; those of erased customers without tracking."""
        _, known = self._stored.get(order.order_id, ((), ()))
        self._stored[order.order_id] = (order.lines, order.shipments)
        if order.shipments == known:
            return
        stored = {(parcel.shipment_id, *part) for parcel in known for part in parcel.quantities}
        parts = [(parcel.shipment_id, *part) for parcel in order.shipments for part in parcel.quantities]
        parts = [part for part in parts if part not in stored]
        await self.connection.execute(
            """-- save_shipments
            INSERT INTO shipment (order_id, shipment_id, tracking, arrived, number)
            SELECT order_id, shipment_id, CASE WHEN erased_at IS NULL THEN parcel.tracking END, arrived, number
            FROM unnest($2::text[], $3::text[], $4::boolean[])
                WITH ORDINALITY AS parcel (shipment_id, tracking, arrived, number)
            JOIN orders ON order_id = $1
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
            ON CONFLICT (order_id, line_id, shipment_id) DO UPDATE SET quantity = excluded.quantity
            """,
            order.order_id,
            *([part[column] for part in parts] for column in range(3)),
        )


_LINE_FIELDS = tuple((name, f"line_{name}") for name in _NEW | _CHANGING)


def _as_line(row: Record) -> OrderLine:
    columns = {name: row[column] for name, column in _LINE_FIELDS}
    by = row["line_cancel_by"]
    columns["cancellation"] = None if by is None else Cancellation(by, row["line_cancel_reason"], row["line_cancel_at"])
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
            parcels[number] = Shipment(shipment_id, (*before, (row["line_line_id"], quantity)), tracking, arrived)
    return tuple(parcel for _, parcel in sorted(parcels.items()))
