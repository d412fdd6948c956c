"""Gaps in the slots' sequences of reports."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import asyncpg

from libs.kit import Store
from services.consumption.domain.gaps import Gap, LevelReading
from services.consumption.domain.report import ReadingKind
from services.consumption.domain.slot import Slot

Place = tuple[str, str]


class GapStore(Store):
    async def _with_gaps(self, slots: Mapping[Place, Slot]) -> dict[Place, Slot]:
        rows = await self.connection.fetch(
            """-- _with_gaps
            SELECT device_id, slot, boot_no, boot, first_seq, last_seq, level, reading_boot_no, reading_seq,
                reading_kind, reading_expected, reading_level, variance, opened_at, given_up
            FROM unnest($1::text[], $2::text[]) AS r (device_id, slot) JOIN gap USING (device_id, slot)
            ORDER BY device_id, slot, boot_no, first_seq
            """,
            *zip(*slots, strict=True),
        )
        gaps: dict[Place, list[Gap]] = {place: [] for place in slots}
        for row in rows:
            gaps[row["device_id"], row["slot"]].append(_gap(row))
        return {place: replace(slot, gaps=tuple(gaps[place])) for place, slot in slots.items()}

    async def _save_gaps(self, before: Mapping[Place, Slot], after: Iterable[Slot]) -> None:
        """Write only the difference: a slot may have a thousand gaps of which one changed."""
        gone: list[tuple[Any, ...]] = []
        new: list[tuple[Any, ...]] = []
        for slot in after:
            place = slot.device_id, slot.slot
            old = {(gap.boot_no, gap.first): gap for gap in before[place].gaps}
            now = {(gap.boot_no, gap.first): gap for gap in slot.gaps}
            gone += [(*place, *key) for key in old.keys() - now.keys()]
            new += [(*place, *_columns(gap)) for key, gap in now.items() if old.get(key) != gap]
        if gone:
            await self._delete_gaps(gone)
        if new:
            await self._write_gaps(new)

    async def _delete_gaps(self, keys: list[tuple[Any, ...]]) -> None:
        await self.connection.execute(
            """-- _delete_gaps
            DELETE FROM gap USING unnest($1::text[], $2::text[], $3::int[], $4::bigint[])
                AS r (device_id, slot, boot_no, first_seq)
            WHERE (gap.device_id, gap.slot, gap.boot_no, gap.first_seq)
                = (r.device_id, r.slot, r.boot_no, r.first_seq)
            """,
            *zip(*sorted(keys), strict=True),
        )

    async def _write_gaps(self, rows: list[tuple[Any, ...]]) -> None:
        await self.connection.execute(
            """-- _write_gaps
            INSERT INTO gap (device_id, slot, boot_no, first_seq, boot, last_seq, level, reading_boot_no, reading_seq,
                reading_kind, reading_expected, reading_level, variance, opened_at, given_up)
            SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::bigint[], $5::text[], $6::bigint[],
                $7::bigint[], $8::int[], $9::bigint[], $10::text[], $11::bigint[], $12::bigint[], $13::float8[],
                $14::float8[], $15::bool[])
            ON CONFLICT (device_id, slot, boot_no, first_seq) DO UPDATE SET
                last_seq = excluded.last_seq, level = excluded.level, reading_boot_no = excluded.reading_boot_no,
                reading_seq = excluded.reading_seq, reading_kind = excluded.reading_kind,
                reading_expected = excluded.reading_expected, reading_level = excluded.reading_level,
                variance = excluded.variance, given_up = excluded.given_up
            """,
            *zip(*sorted(rows, key=lambda row: row[:4]), strict=True),
        )


def _gap(row: asyncpg.Record) -> Gap:
    reading = None
    if row["reading_boot_no"] is not None:
        kind = ReadingKind(row["reading_kind"])
        reading = LevelReading(
            row["reading_boot_no"], row["reading_seq"], kind, row["reading_expected"], row["reading_level"]
        )
    return Gap(
        row["boot_no"],
        row["boot"],
        row["first_seq"],
        row["last_seq"],
        row["level"],
        reading,
        row["variance"],
        row["opened_at"],
        row["given_up"],
    )


def _columns(gap: Gap) -> tuple[Any, ...]:
    columns = (None,) * 5
    if gap.next_reading is not None:
        reading = gap.next_reading
        columns = (reading.boot_no, reading.seq, reading.kind, reading.expected, reading.level)  # type: ignore[assignment]  # as many
    return (
        *(gap.boot_no, gap.first, gap.boot, gap.last, gap.level),
        *columns,
        *(gap.variance, gap.opened_at, gap.given_up),
    )
