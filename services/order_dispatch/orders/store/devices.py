"""SQL of devices and slots."""

from collections.abc import Sequence

from libs.kit.registrations import RegistrationStore
from replenish_contracts.events import SlotMove, SlotSpec
from replenish_contracts.units import BaseUnit
from services.order_dispatch.domain.promises import DEFAULT_ZONE
from services.order_dispatch.domain.provider import DeviceStatus, Slot


class Devices(RegistrationStore):
    """Devices and slots, as registered."""

    async def save_device(self, device_id: str, customer_id: str, registration: int) -> bool:
        """Store a registration; False if the same or a later one is stored."""
        return await self._save_registration(device_id, registration, customer_id=customer_id, state="active")

    async def save_slots(self, device_id: str, slots: tuple[SlotSpec, ...]) -> None:
        await self.connection.executemany(
            """-- save_slots
            INSERT INTO slot (device_id, slot, unit, scale, capacity, product_id) VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (device_id, slot) DO UPDATE
            SET unit = excluded.unit, scale = excluded.scale, capacity = excluded.capacity,
                product_id = excluded.product_id, moved_device_id = NULL, moved_slot = NULL
            """,
            [(device_id, spec.slot, spec.unit, spec.scale, spec.capacity, spec.product_id) for spec in slots],
        )

    async def save_moves(self, old_device_id: str, new_device_id: str, moves: tuple[SlotMove, ...]) -> None:
        columns = [(old_device_id, move.old_slot, new_device_id, move.new_slot) for move in moves]
        await self.connection.executemany(
            """-- save_moves
            UPDATE slot SET moved_device_id = $3, moved_slot = $4 WHERE device_id = $1 AND slot = $2
            """,
            columns,
        )
        await self.connection.executemany(
            """-- save_moves_of_orders
            UPDATE order_line SET device_id = $3, slot = $4
            WHERE device_id = $1 AND slot = $2 AND state IN ('ordered', 'shipped')
            """,
            columns,
        )

    async def find_slots(self, slots: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Slot]:
        """Return the slot of each device and name, after all replacements of its device (at most 100)."""
        rows = await self.connection.fetch(
            """-- find_slots
            WITH RECURSIVE path AS (
                SELECT asked.device_id AS asked_device, asked.slot AS asked_slot, s.device_id, s.slot, s.unit, s.scale,
                    s.moved_device_id, s.moved_slot, 0 AS hops
                FROM unnest($1::text[], $2::text[]) AS asked (device_id, slot) JOIN slot AS s USING (device_id, slot)
                UNION ALL
                SELECT path.asked_device, path.asked_slot, s.device_id, s.slot, s.unit, s.scale, s.moved_device_id,
                    s.moved_slot, path.hops + 1
                FROM path JOIN slot s ON s.device_id = path.moved_device_id AND s.slot = path.moved_slot
                WHERE path.hops < 100
            )
            SELECT DISTINCT ON (asked_device, asked_slot) asked_device, asked_slot, path.device_id, path.slot,
                path.unit, path.scale, device.customer_id, device.state
            FROM path JOIN device USING (device_id) ORDER BY asked_device, asked_slot, hops DESC
            """,
            [device_id for device_id, _ in slots],
            [slot for _, slot in slots],
        )
        return {
            (row["asked_device"], row["asked_slot"]): Slot(
                row["device_id"],
                row["slot"],
                row["customer_id"],
                BaseUnit(row["unit"]),
                row["scale"],
                DeviceStatus(row["state"]),
            )
            for row in rows
        }

    async def save_customer_settings(self, customer_id: str, time_zone: str, country: str | None) -> bool:
        """Store a customer's time zone and country; None keeps the country. False if both are stored already."""
        changed: int | None = await self.connection.fetchval(
            """-- save_customer_settings
            INSERT INTO customer_setting AS known (customer_id, time_zone, country) VALUES ($1, $2, $3)
            ON CONFLICT (customer_id) DO UPDATE
            SET time_zone = excluded.time_zone, country = coalesce(excluded.country, known.country)
            WHERE known.time_zone <> excluded.time_zone
                OR known.country IS DISTINCT FROM coalesce(excluded.country, known.country)
            RETURNING 1
            """,
            customer_id,
            time_zone,
            country,
        )
        return changed is not None

    async def get_time_zone(self, customer_id: str) -> str:
        """Return a customer's time zone; the default if it is not known."""
        time_zone: str | None = await self.connection.fetchval(
            """-- get_time_zone
            SELECT time_zone FROM customer_setting WHERE customer_id = $1
            """,
            customer_id,
        )
        return time_zone or DEFAULT_ZONE

    async def delete_customer_settings(self, customer_id: str) -> None:
        await self.connection.execute(
            """-- delete_customer_settings
            DELETE FROM customer_setting WHERE customer_id = $1
            """,
            customer_id,
        )

    async def has_device(self, device_id: str) -> bool:
        found: int | None = await self.connection.fetchval(
            """-- has_device
            SELECT 1 FROM device WHERE device_id = $1
            """,
            device_id,
        )
        return found is not None

    async def end_device(self, device_id: str, registration: int) -> None:
        await self.connection.execute(
            """-- end_device
            UPDATE device SET state = 'left' WHERE device_id = $1 AND registration <= $2
            """,
            device_id,
            registration,
        )

    async def end_devices(self, customer_id: str) -> None:
        await self.connection.execute(
            """-- end_devices
            UPDATE device SET state = 'left' WHERE customer_id = $1
            """,
            customer_id,
        )
