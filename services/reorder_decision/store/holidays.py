"""SQL of holidays."""

from services.reorder_decision.domain import Holiday
from services.reorder_decision.store.pools import Pools


class Holidays(Pools):
    """At most one holiday per customer, the current or the next."""

    async def find_holiday(self, customer_id: str) -> Holiday | None:
        row = await self.connection.fetchrow(
            "-- find_holiday\nSELECT starts_at, ends_at FROM holiday WHERE customer_id = $1", customer_id
        )
        return Holiday(**row) if row else None

    async def save_holiday(self, customer_id: str, holiday: Holiday) -> bool:
        """Store the holiday; False if the customer was erased."""
        if await self._is_erased(customer_id):
            return False
        await self.connection.execute(
            """-- save_holiday
            INSERT INTO holiday (customer_id, starts_at, ends_at) VALUES ($1, $2, $3)
            ON CONFLICT (customer_id) DO UPDATE SET starts_at = excluded.starts_at, ends_at = excluded.ends_at
            """,
            customer_id,
            holiday.starts_at,
            holiday.ends_at,
        )
        return True

    async def delete_holiday(self, customer_id: str) -> None:
        await self.connection.execute("-- delete_holiday\nDELETE FROM holiday WHERE customer_id = $1", customer_id)
