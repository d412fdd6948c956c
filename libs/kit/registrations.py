"""Registration numbers in a service's table `device`: of each device only the newest registration counts."""

from typing import Literal

from libs.kit.store import Store


class RegistrationStore(Store):
    """Store of a service whose table `device` has the key `device_id` and the number `registration`.

    The portal numbers the registrations of a device id from 1. Events about a device may arrive twice, and one about
    an earlier registration may arrive after a later one, so the statement compares numbers in the row it writes.
    """

    async def _save_registration(self, device_id: str, registration: int, **columns: object) -> bool:
        """Store a registration with these columns; return False if the same or a later one is stored."""
        return await self._write_registration(device_id, registration, "<", columns)

    async def _end_registration(self, device_id: str, registration: int, **columns: object) -> bool:
        """Store the end of a registration with these columns; return False if a later one is stored.

        The number stays, so that the registration is not stored again if its event arrives late.
        """
        return await self._write_registration(device_id, registration, "<=", columns)

    async def _write_registration(
        self, device_id: str, registration: int, stored_is: Literal["<", "<="], columns: dict[str, object]
    ) -> bool:
        names = ("device_id", "registration", *columns)
        written = await self.connection.fetchval(
            f"""-- _write_registration
            INSERT INTO device ({", ".join(names)})
            VALUES ({", ".join(f"${number}" for number in range(1, len(names) + 1))})
            ON CONFLICT (device_id) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in names[1:])}
            WHERE device.registration {stored_is} excluded.registration
            RETURNING true
            """,  # noqa: S608  names of columns, written in the calling code
            device_id,
            registration,
            *columns.values(),
        )
        return bool(written)
