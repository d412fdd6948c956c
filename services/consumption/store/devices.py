"""Registered and removed devices, and the successors of replaced slots."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from libs.kit import Store
from replenish_contracts.events import SlotMove


class Device(NamedTuple):
    """A registered or removed device; `end_reason` is None while it is registered."""

    device_id: str
    registration: int
    customer_id: str | None = None
    end_reason: str | None = None


class Devices(Store):
    async def find_devices(self, device_ids: Iterable[str]) -> dict[str, Device]:
        rows = await self.connection.fetch(
            """-- find_devices
            SELECT device_id, registration, NULL AS customer_id, reason AS end_reason FROM ended_device
            WHERE device_id = ANY($1::text[])
            UNION ALL
            SELECT device_id, registration, customer_id, NULL FROM device WHERE device_id = ANY($1::text[])
            """,
            list(device_ids),
        )
        return {row["device_id"]: Device(**row) for row in rows}

    async def find_device(self, device_id: str) -> Device | None:
        return (await self.find_devices([device_id])).get(device_id)

    async def list_device_ids(self, customer_id: str) -> list[str]:
        rows = await self.connection.fetch(
            "-- list_device_ids\nSELECT device_id FROM device WHERE customer_id = $1 ORDER BY device_id", customer_id
        )
        return [row["device_id"] for row in rows]

    async def list_slot_names(self, device_ids: list[str]) -> list[tuple[str, str]]:
        rows = await self.connection.fetch(
            """-- list_slot_names
            SELECT device_id, slot FROM slot_spec WHERE device_id = ANY($1::text[]) ORDER BY device_id, slot
            """,
            device_ids,
        )
        return [(row["device_id"], row["slot"]) for row in rows]

    async def add_device(self, device_id: str, customer_id: str, registration: int) -> None:
        """Insert a device, and delete the marks of an earlier removal."""
        await self.connection.execute("-- add_device\nDELETE FROM ended_device WHERE device_id = $1", device_id)
        await self.connection.execute("-- add_device\nDELETE FROM successor WHERE device_id = $1", device_id)
        await self.connection.execute(
            "-- add_device\nINSERT INTO device (device_id, customer_id, registration) VALUES ($1, $2, $3)",
            device_id,
            customer_id,
            registration,
        )

    async def add_successors(self, old_device_id: str, new_device_id: str, moves: Iterable[SlotMove]) -> None:
        """Redirect triggers and deliveries for the old slots, and for their predecessors, to the new slots."""
        pairs = [(old_device_id, move.old_slot, new_device_id, move.new_slot) for move in moves]
        await self.connection.executemany(
            """-- add_successors
            UPDATE successor SET new_device_id = $3, new_slot = $4 WHERE new_device_id = $1 AND new_slot = $2
            """,
            pairs,
        )
        await self.connection.executemany(
            """-- add_successors
            INSERT INTO successor (device_id, slot, new_device_id, new_slot) VALUES ($1, $2, $3, $4)
            ON CONFLICT (device_id, slot) DO UPDATE
                SET new_device_id = excluded.new_device_id, new_slot = excluded.new_slot
            """,
            pairs,
        )

    async def find_successors(self, places: Iterable[tuple[str, str]]) -> dict[tuple[str, str], tuple[str, str]]:
        """Return for each (device, slot) the one that replaced it, or itself."""
        wanted = list(places)
        rows = await self.connection.fetch(
            """-- find_successors
            SELECT device_id, slot, new_device_id, new_slot
            FROM successor JOIN unnest($1::text[], $2::text[]) AS r (device_id, slot) USING (device_id, slot)
            """,
            *zip(*wanted, strict=True),
        )
        found = {(row["device_id"], row["slot"]): (row["new_device_id"], row["new_slot"]) for row in rows}
        return {place: found.get(place, place) for place in wanted}

    async def end_device(self, device_id: str, reason: str, at: datetime) -> None:
        """Delete a device and its data, and record why it was removed. Its slots must be locked."""
        for statement in (
            "-- end_device\nDELETE FROM gap WHERE device_id = $1",
            "-- end_device\nDELETE FROM known_report WHERE device_id = $1",
            "-- end_device\nDELETE FROM loaded_line WHERE device_id = $1",
            "-- end_device\nDELETE FROM used_days WHERE device_id = $1",
            "-- end_device\nDELETE FROM successor WHERE new_device_id = $1",
            "-- end_device\nDELETE FROM slot WHERE device_id = $1",
            "-- end_device\nDELETE FROM slot_spec WHERE device_id = $1",
        ):
            await self.connection.execute(statement, device_id)
        await self.connection.execute(
            """-- end_device
            WITH ended AS (DELETE FROM device WHERE device_id = $1 RETURNING device_id, registration)
            INSERT INTO ended_device (device_id, registration, reason, ended_at)
            SELECT device_id, registration, $2, $3 FROM ended
            ON CONFLICT (device_id) DO UPDATE
                SET registration = excluded.registration, reason = excluded.reason, ended_at = excluded.ended_at
            """,
            device_id,
            reason,
            at,
        )
