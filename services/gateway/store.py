"""All SQL of the gateway: devices, their credentials and warnings, and the log of their changes."""

from typing import NamedTuple

import msgspec
from asyncpg import Record

from libs.kit import Store as KitStore
from services.gateway.domain.devices import Device, Slot, SlotWarning


class Change(NamedTuple):
    """A device that was saved or deleted; a deleted one has no credential."""

    revision: int
    device_id: str
    credential_sha256: bytes | None


class Store(KitStore):
    """One transaction over devices and their changes."""

    async def next_revision(self) -> int:
        """Return a new revision; concurrent callers wait for the commit, so revisions become visible in order."""
        number: int = await self.connection.fetchval(
            """-- next_revision
            UPDATE revision SET number = number + 1 RETURNING number
            """
        )
        return number

    async def get_revision(self) -> int:
        number: int = await self.connection.fetchval(
            """-- get_revision
            SELECT number FROM revision
            """
        )
        return number

    async def save_device(self, device: Device, credential_sha256: bytes, revision: int) -> bool:
        """Save the device unless a later registration of it exists; return whether it was saved."""
        status = await self.connection.execute(
            """-- save_device
            INSERT INTO device AS saved (device_id, customer_id, registration, credential_sha256, slots, revision)
            VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (device_id) DO UPDATE
            SET customer_id = excluded.customer_id,
                warnings = CASE WHEN saved.registration = excluded.registration THEN saved.warnings ELSE '{}' END,
                registration = excluded.registration,
                credential_sha256 = excluded.credential_sha256, slots = excluded.slots, revision = excluded.revision
            WHERE saved.registration <= excluded.registration
            """,
            device.device_id,
            device.customer_id,
            device.registration,
            credential_sha256,
            msgspec.to_builtins(device.slots),
            revision,
        )
        return status == "INSERT 0 1"

    async def save_warning(  # the columns of one warning
        self, device_id: str, customer_id: str, code: str, warning: SlotWarning, revision: int
    ) -> None:
        """Save the newest warning of a code, unless the device is unknown or a newer one is saved."""
        await self.connection.execute(
            """-- save_warning
            UPDATE device SET warnings = warnings || jsonb_build_object($3::text, $4::jsonb), revision = $6
            WHERE device_id = $1 AND customer_id = $2
                AND coalesce((warnings -> $3 ->> 'at')::timestamptz < $5, true)
            """,
            device_id,
            customer_id,
            code,
            msgspec.to_builtins(warning),
            warning.at,
            revision,
        )

    async def delete_device(self, device_id: str, customer_id: str, registration: int | None, revision: int) -> None:
        """Delete a customer's device and record its departure; None deletes any registration, else only that one."""
        await self.connection.execute(
            """-- delete_device
            WITH deleted AS (
                DELETE FROM device
                WHERE device_id = $1 AND customer_id = $2 AND ($3::integer IS NULL OR registration = $3)
                RETURNING device_id
            )
            INSERT INTO departure (device_id, revision) SELECT device_id, $4 FROM deleted
            """,
            device_id,
            customer_id,
            registration,
            revision,
        )

    async def list_device_ids(self, customer_id: str) -> list[str]:
        rows = await self.connection.fetch(
            """-- list_device_ids
            SELECT device_id FROM device WHERE customer_id = $1 ORDER BY device_id
            """,
            customer_id,
        )
        return [row["device_id"] for row in rows]

    async def list_devices(self, device_ids: list[str]) -> list[Device]:
        """Return the devices with these ids; unknown ids are left out."""
        rows = await self.connection.fetch(
            """-- list_devices
            SELECT device_id, customer_id, registration, slots, warnings FROM device WHERE device_id = ANY($1::text[])
            """,
            device_ids,
        )
        return [_device(row) for row in rows]

    async def find_device_by_credential(self, credential_sha256: bytes) -> Device | None:
        row = await self.connection.fetchrow(
            """-- find_device_by_credential
            SELECT device_id, customer_id, registration, slots, warnings FROM device WHERE credential_sha256 = $1
            """,
            credential_sha256,
        )
        return _device(row) if row else None

    async def list_changes(self, after: int) -> list[Change]:
        """Return the changes after a revision, oldest first."""
        rows = await self.connection.fetch(
            """-- list_changes
            SELECT revision, device_id, credential_sha256 FROM device WHERE revision > $1
            UNION ALL
            SELECT revision, device_id, NULL FROM departure WHERE revision > $1
            ORDER BY revision
            """,
            after,
        )
        return [Change(*row) for row in rows]

    async def delete_departures(self, older_than_hours: int) -> None:
        await self.connection.execute(
            """-- delete_departures
            DELETE FROM departure WHERE left_at < now() - make_interval(hours => $1)
            """,
            older_than_hours,
        )


def _device(row: Record) -> Device:
    slots = msgspec.convert(row["slots"], dict[str, Slot])
    warnings = msgspec.convert(row["warnings"], dict[str, SlotWarning])
    return Device(row["device_id"], row["customer_id"], row["registration"], slots, warnings)
