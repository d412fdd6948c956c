"""Devices and slots that are loaded from shelves, and erased customers."""

from collections.abc import Sequence

from libs.kit.registrations import RegistrationStore
from replenish_contracts.events import Fill, SlotSpec
from services.inventory.domain import SlotFacts


class Devices(RegistrationStore):
    """Devices, slots and erased customers."""

    async def save_device(self, customer_id: str, device_id: str, registration: int, slots: Sequence[SlotSpec]) -> bool:
        """Save a device's slots; return False if this or a later registration is known already."""
        if not await self._save_registration(device_id, registration):
            return False
        await self._replace_slots(customer_id, device_id, slots)
        return True

    async def _replace_slots(self, customer_id: str, device_id: str, slots: Sequence[SlotSpec]) -> None:
        await self.delete_slots(device_id)
        await self.connection.executemany(
            """-- _replace_slots
            INSERT INTO slot (device_id, slot, customer_id, product_id, unit, scale, capacity, fill)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            """,
            [
                (device_id, s.slot, customer_id, s.product_id, s.unit, s.scale, s.capacity, s.fill)
                for s in sorted(slots, key=lambda spec: spec.slot)
            ],
        )
        units = {spec.product_id: spec for spec in slots}
        await self.connection.executemany(
            """-- _replace_slots
            INSERT INTO product_unit (owner_id, product_id, unit, scale) VALUES ($1, $2, $3, $4)
            ON CONFLICT (owner_id, product_id) DO UPDATE SET unit = excluded.unit, scale = excluded.scale
            """,
            [(customer_id, product_id, spec.unit, spec.scale) for product_id, spec in sorted(units.items())],
        )

    async def end_device(self, device_id: str, registration: int) -> None:
        """Delete a device's slots unless a later registration exists; the device itself stays known."""
        if await self._end_registration(device_id, registration):
            await self.delete_slots(device_id)

    async def delete_slots(self, device_id: str) -> None:
        await self.connection.execute("-- delete_slots\nDELETE FROM slot WHERE device_id = $1", device_id)

    async def find_slot(self, device_id: str, slot: str) -> SlotFacts | None:
        row = await self.connection.fetchrow(
            "-- find_slot\nSELECT capacity, fill FROM slot WHERE device_id = $1 AND slot = $2", device_id, slot
        )
        return SlotFacts(row["capacity"], row["fill"] == Fill.REPLACE) if row else None

    async def is_known_device(self, device_id: str) -> bool:
        known: bool = await self.connection.fetchval(
            "-- is_known_device\nSELECT EXISTS (SELECT FROM device WHERE device_id = $1)", device_id
        )
        return known

    async def is_erased(self, customer_id: str) -> bool:
        erased: bool = await self.connection.fetchval(
            "-- is_erased\nSELECT EXISTS (SELECT FROM erased_customer WHERE customer_id = $1)", customer_id
        )
        return erased

    async def erase_customer(self, customer_id: str) -> None:
        """Delete slots, carts and units of a customer, and mark it erased so that late events are recognized."""
        await self.connection.execute("-- erase_customer\nDELETE FROM slot WHERE customer_id = $1", customer_id)
        await self.connection.execute("-- erase_customer\nDELETE FROM cart WHERE customer_id = $1", customer_id)
        await self.connection.execute("-- erase_customer\nDELETE FROM product_unit WHERE owner_id = $1", customer_id)
        await self.connection.execute(
            """-- erase_customer
            INSERT INTO erased_customer (customer_id, erased_at) VALUES ($1, $2) ON CONFLICT DO NOTHING
            """,
            customer_id,
            self.now,
        )
