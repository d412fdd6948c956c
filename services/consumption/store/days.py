"""Filed days (`used_days`) and the statements of the periodic jobs."""

from datetime import date

from libs.kit import Store
from services.consumption.domain.days import FULL_MONTH, NUMBERS_PER_DAY, UsedDay, group_days


class FiledDays(Store):
    async def list_filed_days(self, device_id: str, slot: str, first_day: int, at_least: int) -> list[UsedDay]:
        """Return filed days from the row that contains `first_day` on, oldest first: `at_least` that many, or all."""
        rows = await self.connection.fetch(
            """-- list_filed_days
            SELECT days FROM used_days
            WHERE device_id = $1 AND slot = $2 AND first_day >= coalesce(
                (SELECT max(first_day) FROM used_days WHERE device_id = $1 AND slot = $2 AND first_day <= $3), 0)
            ORDER BY first_day LIMIT $4
            """,
            device_id,
            slot,
            first_day,
            at_least * NUMBERS_PER_DAY // FULL_MONTH + 2,  # the first and the last row may be only partly needed
        )
        return [day for row in rows for day in group_days(tuple(row["days"]))]

    async def file_days(self, at_most: int) -> int:
        """Move full months from the slots' rows to `used_days`; return the number of slots that had one."""
        filed: int = await self.connection.fetchval(
            """-- file_days
            WITH full_slot AS (
                SELECT device_id, slot, finished_days FROM slot
                WHERE cardinality(finished_days) >= $1 ORDER BY device_id, slot LIMIT $2 FOR UPDATE SKIP LOCKED),
            filed AS (
                INSERT INTO used_days AS known (device_id, slot, first_day, days)
                SELECT device_id, slot, finished_days[1], finished_days FROM full_slot
                ON CONFLICT (device_id, slot, first_day) DO UPDATE SET days = known.days || excluded.days),
            emptied AS (
                UPDATE slot SET finished_days = NULL FROM full_slot
                WHERE slot.device_id = full_slot.device_id AND slot.slot = full_slot.slot RETURNING 1)
            SELECT count(*) FROM emptied
            """,
            FULL_MONTH,
            at_most,
        )
        return filed

    async def move_filed_days(self, old: tuple[str, str], new: tuple[str, str]) -> None:
        await self.connection.execute(
            """-- move_filed_days
            UPDATE used_days SET device_id = $3, slot = $4 WHERE device_id = $1 AND slot = $2
            """,
            *old,
            *new,
        )

    async def delete_report_identities(self, before: date, at_most: int) -> int:
        return _count(
            await self.connection.execute(
                """-- delete_report_identities
                DELETE FROM known_report WHERE ctid = ANY(ARRAY(
                    SELECT ctid FROM known_report WHERE received_on < $1 LIMIT $2))
                """,
                before,
                at_most,
            )
        )

    async def give_up_gaps(self, opened_before: float, at_most: int) -> int:
        return _count(
            await self.connection.execute(
                """-- give_up_gaps
                WITH old AS (
                    SELECT device_id, slot, boot_no, first_seq FROM gap
                    WHERE opened_at < $1 AND NOT given_up ORDER BY opened_at LIMIT $2)
                UPDATE gap SET given_up = true FROM old
                WHERE (gap.device_id, gap.slot, gap.boot_no, gap.first_seq)
                    = (old.device_id, old.slot, old.boot_no, old.first_seq)
                """,
                opened_before,
                at_most,
            )
        )


def _count(status: str) -> int:
    return int(status.rsplit(" ", 1)[1])
