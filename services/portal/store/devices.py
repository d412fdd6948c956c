"""SQL about devices, their slots and their registrations."""

from collections.abc import Sequence

from asyncpg import Record

from libs.kit import Store
from replenish_contracts.events import SlotSpec
from services.portal.domain.devices import Device, DeviceState, Registration

#: Columns of `device` that make a Device without its slots.
DEVICE_COLUMNS = "device_id, registration, customer_id, model, serial, nonce, credential_sha256, registered_at"


class DeviceStore(Store):
    async def lock_registration(self, device_id: str) -> Registration | None:
        """Lock a device id of any customer and return its latest registration; None if it was never registered."""
        row = await self.connection.fetchrow(
            """-- lock_registration
            SELECT registration, state FROM device WHERE device_id = $1 FOR UPDATE
            """,
            device_id,
        )
        return Registration(row["registration"], DeviceState(row["state"])) if row else None

    async def add_device(self, device: Device) -> bool:
        """Insert a registration; return False if a concurrent request has taken the id."""
        status = await self.connection.execute(
            """-- add_device
            INSERT INTO device AS known
                (device_id, registration, state, customer_id, model, serial, nonce, credential_sha256, registered_at)
            VALUES ($1, $2, 'registered', $3, $4, $5, $6, $7, $8)
            ON CONFLICT (device_id) DO UPDATE
            SET registration = excluded.registration, state = 'registered', customer_id = excluded.customer_id,
                model = excluded.model, serial = excluded.serial, nonce = excluded.nonce,
                credential_sha256 = excluded.credential_sha256, registered_at = excluded.registered_at,
                ended_at = NULL
            WHERE known.state <> 'registered' AND known.registration = excluded.registration - 1
            """,
            device.device_id,
            device.registration,
            device.customer_id,
            device.model,
            device.serial,
            device.nonce,
            device.credential_sha256,
            device.registered_at,
        )
        if status != "INSERT 0 1":
            return False
        await self._add_slots(device)
        return True

    async def _add_slots(self, device: Device) -> None:
        await self.connection.executemany(
            """-- _add_slots
            INSERT INTO device_slot
                (device_id, slot, position, name, product_id, unit, scale, capacity, level, loading, fill,
                 unit_system)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
            """,
            [
                (
                    device.device_id,
                    spec.slot,
                    position,
                    spec.name,
                    spec.product_id,
                    spec.unit,
                    spec.scale,
                    spec.capacity,
                    spec.level,
                    spec.loading,
                    spec.fill,
                    spec.unit_system,
                )
                for position, spec in enumerate(device.slots)
            ],
        )

    async def end_device(self, device_id: str, state: DeviceState) -> None:
        """Delete the data of a registration; only id, number and state remain."""
        await self.connection.execute(
            """-- end_device
            UPDATE device
            SET state = $2, customer_id = NULL, model = '', serial = NULL, nonce = NULL,
                credential_sha256 = NULL, ended_at = $3
            WHERE device_id = $1
            """,
            device_id,
            state,
            self.now,
        )
        await self.connection.execute(
            """-- end_device
            DELETE FROM device_slot WHERE device_id = $1
            """,
            device_id,
        )

    async def find_owner(self, device_id: str) -> str | None:
        owner: str | None = await self.connection.fetchval(
            """-- find_owner
            SELECT customer_id FROM device WHERE device_id = $1 AND state = 'registered'
            """,
            device_id,
        )
        return owner

    async def count_devices(self, customer_id: str) -> int:
        number: int = await self.connection.fetchval(
            """-- count_devices
            SELECT count(*) FROM device WHERE customer_id = $1 AND state = 'registered'
            """,
            customer_id,
        )
        return number

    async def find_device(self, device_id: str) -> Device | None:
        row = await self.connection.fetchrow(
            f"""-- find_device
            SELECT {DEVICE_COLUMNS}
            FROM device WHERE device_id = $1 AND state = 'registered'
            """,
            device_id,
        )
        return (await self._with_slots([row]))[0] if row else None

    async def list_devices(self, customer_id: str) -> list[Device]:
        """Return a customer's devices with their slots, oldest first."""
        rows = await self.connection.fetch(
            f"""-- list_devices
            SELECT {DEVICE_COLUMNS}
            FROM device WHERE customer_id = $1 AND state = 'registered' ORDER BY registered_at, device_id
            """,
            customer_id,
        )
        return await self._with_slots(rows)

    async def _with_slots(self, devices: Sequence[Record]) -> list[Device]:
        rows = await self.connection.fetch(
            """-- _with_slots
            SELECT device_id, slot, name, product_id, unit, scale, capacity, level, loading, fill, unit_system
            FROM device_slot WHERE device_id = ANY($1) ORDER BY device_id, position
            """,
            [device["device_id"] for device in devices],
        )
        slots: dict[str, list[SlotSpec]] = {device["device_id"]: [] for device in devices}
        for row in rows:
            slots[row["device_id"]].append(SlotSpec(**dict(row)))
        return [Device(**dict(device), slots=tuple(slots[device["device_id"]])) for device in devices]
