"""Readings that wait for a second one, and jumps that counted without one."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import asyncpg

from libs.kit import Store
from services.consumption.domain.gaps import LevelReading
from services.consumption.domain.pending import PendingReading, UnconfirmedJump
from services.consumption.domain.report import ReadingKind
from services.consumption.domain.slot import Slot

Place = tuple[str, str]


class JumpStore(Store):
    async def list_due_readings(self, now: float, at_most: int) -> list[Place]:
        rows = await self.connection.fetch(
            """-- list_due_readings
            SELECT device_id, slot FROM pending_reading WHERE due_at <= $1 ORDER BY due_at LIMIT $2
            """,
            now,
            at_most,
        )
        return [(row["device_id"], row["slot"]) for row in rows]

    async def _with_jumps(self, slots: Mapping[Place, Slot]) -> dict[Place, Slot]:
        rows = await self.connection.fetch(
            """-- _with_jumps
            SELECT r.device_id, r.slot, p.boot_no, p.seq, p.level, p.used_at, p.received_at, p.due_at, p.flow,
                p.variance, j.boot_no AS jump_boot_no, j.seq AS jump_seq, j.expected, j.level AS jump_level,
                j.rate_use, j.rate_at, j.expires_at
            FROM unnest($1::text[], $2::text[]) AS r (device_id, slot)
            LEFT JOIN pending_reading AS p USING (device_id, slot)
            LEFT JOIN unconfirmed_jump AS j USING (device_id, slot)
            """,
            *zip(*slots, strict=True),
        )
        return {
            (row["device_id"], row["slot"]): replace(
                slots[row["device_id"], row["slot"]], pending=_pending(row), unconfirmed=_unconfirmed(row)
            )
            for row in rows
        }

    async def _save_jumps(self, before: Mapping[Place, Slot], after: Iterable[Slot]) -> None:
        pending = {(slot.device_id, slot.slot): slot.pending for slot in after}
        unconfirmed = {(slot.device_id, slot.slot): slot.unconfirmed for slot in after}
        if gone := [place for place, now in pending.items() if before[place].pending and not now]:
            await self._delete_pending(gone)
        if gone := [place for place, now in unconfirmed.items() if before[place].unconfirmed and not now]:
            await self._delete_unconfirmed(gone)
        if new := [(*place, *_columns(now)) for place, now in pending.items() if now and now != before[place].pending]:
            await self._write_pending(new)
        if jumps := [
            (*place, *_jump_columns(now))
            for place, now in unconfirmed.items()
            if now and now != before[place].unconfirmed
        ]:
            await self._write_unconfirmed(jumps)

    async def _delete_pending(self, places: list[Place]) -> None:
        await self.connection.execute(
            """-- _delete_pending
            DELETE FROM pending_reading AS p USING unnest($1::text[], $2::text[]) AS r (device_id, slot)
            WHERE p.device_id = r.device_id AND p.slot = r.slot
            """,
            *zip(*sorted(places), strict=True),
        )

    async def _delete_unconfirmed(self, places: list[Place]) -> None:
        await self.connection.execute(
            """-- _delete_unconfirmed
            DELETE FROM unconfirmed_jump AS j USING unnest($1::text[], $2::text[]) AS r (device_id, slot)
            WHERE j.device_id = r.device_id AND j.slot = r.slot
            """,
            *zip(*sorted(places), strict=True),
        )

    async def _write_pending(self, rows: list[tuple[Any, ...]]) -> None:
        await self.connection.execute(
            """-- _write_pending
            INSERT INTO pending_reading
                (device_id, slot, boot_no, seq, level, used_at, received_at, due_at, flow, variance)
            SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::bigint[], $5::bigint[], $6::float8[],
                $7::float8[], $8::float8[], $9::bigint[], $10::float8[])
            ON CONFLICT (device_id, slot) DO UPDATE SET
                boot_no = excluded.boot_no, seq = excluded.seq, level = excluded.level, used_at = excluded.used_at,
                received_at = excluded.received_at, due_at = excluded.due_at, flow = excluded.flow,
                variance = excluded.variance
            """,
            *zip(*sorted(rows), strict=True),
        )

    async def _write_unconfirmed(self, rows: list[tuple[Any, ...]]) -> None:
        await self.connection.execute(
            """-- _write_unconfirmed
            INSERT INTO unconfirmed_jump
                (device_id, slot, boot_no, seq, expected, level, rate_use, rate_at, expires_at)
            SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::bigint[], $5::bigint[], $6::bigint[],
                $7::float8[], $8::float8[], $9::float8[])
            ON CONFLICT (device_id, slot) DO UPDATE SET
                boot_no = excluded.boot_no, seq = excluded.seq, expected = excluded.expected, level = excluded.level,
                rate_use = excluded.rate_use, rate_at = excluded.rate_at, expires_at = excluded.expires_at
            """,
            *zip(*sorted(rows), strict=True),
        )


def _pending(row: asyncpg.Record) -> PendingReading | None:
    if row["due_at"] is None:
        return None
    names = ("boot_no", "seq", "level", "used_at", "received_at", "due_at", "flow", "variance")
    return PendingReading(**{name: row[name] for name in names})


def _unconfirmed(row: asyncpg.Record) -> UnconfirmedJump | None:
    if row["expires_at"] is None:
        return None
    reading = LevelReading(
        row["jump_boot_no"], row["jump_seq"], ReadingKind.MEASURED, row["expected"], row["jump_level"]
    )
    return UnconfirmedJump(reading, row["rate_use"], row["rate_at"], row["expires_at"])


def _columns(one: PendingReading) -> tuple[Any, ...]:
    return one.boot_no, one.seq, one.level, one.used_at, one.received_at, one.due_at, one.flow, one.variance


def _jump_columns(jump: UnconfirmedJump) -> tuple[Any, ...]:
    reading = jump.reading
    return reading.boot_no, reading.seq, reading.expected, reading.level, jump.rate_use, jump.rate_at, jump.expires_at
