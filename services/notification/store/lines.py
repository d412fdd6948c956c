"""SQL of the lines of orders."""

from libs.kit import Store as KitStore
from replenish_contracts.events import OrderFact
from services.notification.domain import line_rows

#: Merges the lines $3 (see `line_rows`) of order $1 of customer $2. Events may come twice and in any order: terms are
#: taken from the latest event that has them, the state by its precedence, and shipped quantities by parcel.
MERGE_LINES = """
    INSERT INTO order_line AS known (order_id, line_id, customer_id, product_id, pool_id, unit, scale, substitute,
        state, shipped, agreed_at, position, quantity, packs, pack_size, unit_price, epoch)
    SELECT DISTINCT ON (line.line_id) $1, line.line_id, $2, line.product_id, line.pool_id, line.unit, line.scale,
        line.substitute, line.state::line_state, line.shipped, line.agreed_at, line.position, line.quantity,
        line.packs, line.pack_size, line.unit_price, line.epoch
    FROM jsonb_to_recordset($3::jsonb) AS line(line_id text, product_id text, pool_id text, unit text, scale smallint,
        substitute text, state text, shipped jsonb, agreed_at timestamptz, position smallint, quantity bigint,
        packs integer, pack_size bigint, unit_price bigint, epoch integer)
    WHERE NOT EXISTS (SELECT FROM erased_customer WHERE customer_id = $2)
    ORDER BY line.line_id
    ON CONFLICT (order_id, line_id) DO UPDATE
    SET unit = coalesce(excluded.unit, known.unit), scale = coalesce(excluded.scale, known.scale),
        substitute = coalesce(excluded.substitute, known.substitute),
        state = greatest(known.state, excluded.state), shipped = known.shipped || excluded.shipped,
        (agreed_at, position, quantity, packs, pack_size, unit_price, epoch) = (
            SELECT agreed_at, position, quantity, packs, pack_size, unit_price, epoch
            FROM (VALUES
                (0, excluded.agreed_at, excluded.position, excluded.quantity, excluded.packs, excluded.pack_size,
                    excluded.unit_price, excluded.epoch),
                (1, known.agreed_at, known.position, known.quantity, known.packs, known.pack_size,
                    known.unit_price, known.epoch)
            ) AS terms(age, agreed_at, position, quantity, packs, pack_size, unit_price, epoch)
            ORDER BY terms.agreed_at DESC NULLS LAST, terms.age LIMIT 1)
"""


class LineTables(KitStore):
    """The lines of orders; those of an erased customer are not stored."""

    async def save_lines(self, event: OrderFact) -> int | None:
        """Return the number of lines of the order; None if the customer was erased."""
        lines: int | None = await self.connection.fetchval(
            f"""-- save_lines
            WITH merged AS ({MERGE_LINES} RETURNING line_id)
            SELECT count(*) FROM (
                SELECT line_id FROM merged UNION SELECT line_id FROM order_line WHERE order_id = $1
            ) AS lines
            HAVING NOT EXISTS (SELECT FROM erased_customer WHERE customer_id = $2)
            """,
            event.order_id,
            event.customer_id,
            line_rows(event),
        )
        return lines

    async def count_lines(self, customer_id: str, order_id: str) -> int | None:
        """Return the same as `save_lines`, for an event that is not about lines."""
        lines: int | None = await self.connection.fetchval(
            """-- count_lines
            SELECT count(*) FROM order_line WHERE order_id = $1
            HAVING NOT EXISTS (SELECT FROM erased_customer WHERE customer_id = $2)
            """,
            order_id,
            customer_id,
        )
        return lines
