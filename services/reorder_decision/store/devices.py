"""SQL of devices, their slots, and erased customers."""

from collections.abc import Sequence

from libs.kit.registrations import RegistrationStore
from services.reorder_decision.domain import ProductSlot, Slot, pool_id_of
from services.reorder_decision.store.pools import Pools


class Devices(Pools, RegistrationStore):
    """Devices, their slots, and customers who were erased."""

    async def save_device(self, customer_id: str, device_id: str, registration: int) -> bool:
        """Store a registration; False if the same or a later one is stored, or the customer was erased."""
        if await self._is_erased(customer_id):
            return False
        return await self._save_registration(device_id, registration)

    async def end_device(self, device_id: str, registration: int) -> bool:
        """Store the end of a registration; False if a later one is stored."""
        return await self._end_registration(device_id, registration)

    async def list_slots(self, device_id: str) -> list[Slot]:
        rows = await self.connection.fetch(
            """-- list_slots
            SELECT device_id, slot, unit, scale, capacity, level, uncertainty, rate_per_day, level_event, level_at,
                answered
            FROM slot WHERE device_id = $1 ORDER BY slot
            """,
            device_id,
        )
        return [Slot(**row) for row in rows]

    async def list_pool_keys(self, device_ids: Sequence[str]) -> set[tuple[str, str]]:
        """Return (customer_id, product_id) of the pools these devices' slots belong to."""
        rows = await self.connection.fetch(
            """-- list_pool_keys
            SELECT DISTINCT p.customer_id, p.product_id FROM slot AS s JOIN pool AS p USING (pool_id)
            WHERE s.device_id = ANY($1::text[])
            """,
            list(device_ids),
        )
        return {(row["customer_id"], row["product_id"]) for row in rows}

    async def replace_slots(self, customer_id: str, device_ids: Sequence[str], slots: Sequence[ProductSlot]) -> None:
        """Delete the devices' slots and insert the given ones; the caller has locked all pools concerned."""
        await self.connection.execute(
            "-- replace_slots\nDELETE FROM slot WHERE device_id = ANY($1::text[])", list(device_ids)
        )
        await self.connection.executemany(
            """-- replace_slots
            INSERT INTO slot (device_id, slot, pool_id, unit, scale, capacity, level, uncertainty, rate_per_day,
                level_event,
                              level_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
            """,
            [
                (
                    *(slot.device_id, slot.slot, pool_id_of(customer_id, product_id), slot.unit, slot.scale),
                    *(slot.capacity, slot.level, slot.uncertainty, slot.rate_per_day, slot.level_event, slot.level_at),
                )
                for product_id, slot in slots
            ],
        )

    async def lock_pool_ids_of_customer(self, customer_id: str) -> list[str]:
        rows = await self.connection.fetch(
            "-- lock_pool_ids_of_customer\nSELECT pool_id FROM pool WHERE customer_id = $1 ORDER BY pool_id FOR UPDATE",
            customer_id,
        )
        return [row["pool_id"] for row in rows]

    async def erase_customer(self, customer_id: str, pool_ids: Sequence[str]) -> None:
        """Delete all data of the customer; the id stays, so that late events create nothing."""
        for statement in (
            "-- erase_customer\nDELETE FROM receipt WHERE pool_id = ANY($1::text[])",
            "-- erase_customer\nDELETE FROM reorder WHERE pool_id = ANY($1::text[])",
            "-- erase_customer\nDELETE FROM subscription WHERE pool_id = ANY($1::text[])",
            "-- erase_customer\nDELETE FROM slot WHERE pool_id = ANY($1::text[])",
            "-- erase_customer\nDELETE FROM pool WHERE pool_id = ANY($1::text[])",
        ):
            await self.connection.execute(statement, list(pool_ids))
        await self.connection.execute("-- erase_customer\nDELETE FROM link WHERE customer_id = $1", customer_id)
        await self.connection.execute("-- erase_customer\nDELETE FROM holiday WHERE customer_id = $1", customer_id)
        await self.connection.execute(
            """-- erase_customer
            INSERT INTO erased_customer (customer_id, erased_at) VALUES ($1, $2) ON CONFLICT DO NOTHING
            """,
            customer_id,
            self.now,
        )
