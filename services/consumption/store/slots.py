"""Complete slots: locked, changed in Python, written back."""

from collections.abc import Iterable, Mapping, Sequence

from services.consumption.domain.slot import Slot
from services.consumption.store.gaps import GapStore
from services.consumption.store.jumps import JumpStore
from services.consumption.store.rows import as_row, as_slot

Place = tuple[str, str]

#: Columns of `slot` AS s, `slot_spec` AS p and `device` AS d that `as_slot` reads.
SLOT_COLUMNS = """
    s.device_id, s.slot, s.level, s.last_seq, s.used_total, s.rate_use, s.rate_days, s.used_at,
    s.received_at, s.variance, s.used_before_today, s.at_level, s.at_days, s.shelf_and_on_order, s.opening,
    s.received, s.unreported, s.unexplained, s.duplicates, s.boot_no, s.gaps, s.reports, s.below,
    s.armed, s.follow, s.linked, s.read_at, s.reading_interval, s.jumped, s.quarantined, s.boot, s.finished_days,
    p.customer_id, p.product_id, p.name, p.unit, p.scale, p.capacity, p.loading, p.fill,
    p.pool_id, p.epoch, d.registration
"""


class Slots(GapStore, JumpStore):
    async def lock_slots(self, places: Iterable[Place]) -> dict[Place, Slot]:
        """Lock and return the slots that exist, sorted by (device, slot) like every other lock on this table.

        A second statement reads them: after waiting for a row lock, Postgres re-reads the locked row only, and
        joined rows are those of the statement's older snapshot.
        """
        wanted = sorted(places)
        if not wanted:
            return {}
        locked = await self.connection.fetch(
            """-- lock_slots
            SELECT s.device_id, s.slot
            FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS r (device_id, slot, n)
            JOIN slot AS s USING (device_id, slot)
            ORDER BY r.n
            FOR UPDATE OF s
            """,
            *zip(*wanted, strict=True),
        )
        if not locked:
            return {}
        rows = await self.connection.fetch(
            f"""-- lock_slots
            SELECT {SLOT_COLUMNS}
            FROM unnest($1::text[], $2::text[]) AS r (device_id, slot)
            JOIN slot AS s USING (device_id, slot)
            JOIN slot_spec AS p USING (device_id, slot)
            JOIN device AS d USING (device_id)
            """,
            *zip(*(tuple(row) for row in locked), strict=True),
        )
        slots = {(row["device_id"], row["slot"]): as_slot(row) for row in rows}
        if with_gaps := [(row["device_id"], row["slot"]) for row in rows if row["gaps"]]:
            slots |= await self._with_gaps({place: slots[place] for place in with_gaps})
        if jumped := [(row["device_id"], row["slot"]) for row in rows if row["jumped"]]:
            slots |= await self._with_jumps({place: slots[place] for place in jumped})
        return slots

    async def disarm_crossed(self, places: Sequence[Place], crossed: Sequence[bool]) -> dict[Place, Slot]:
        """Return slots that this transaction has changed, and disarm the triggers of those that crossed theirs."""
        rows = await self.connection.fetch(
            f"""-- disarm_crossed
            WITH wanted AS (
                SELECT * FROM unnest($1::text[], $2::text[], $3::bool[]) AS r (device_id, slot, crossed)),
            disarmed AS (
                UPDATE slot AS s SET armed = false FROM wanted AS r
                WHERE s.device_id = r.device_id AND s.slot = r.slot AND r.crossed)
            SELECT {SLOT_COLUMNS}
            FROM wanted JOIN slot AS s USING (device_id, slot) JOIN slot_spec AS p USING (device_id, slot)
            JOIN device AS d USING (device_id)
            """,
            *zip(*places, strict=True),
            crossed,
        )
        return {(row["device_id"], row["slot"]): as_slot(row) for row in rows}

    async def list_slots(self, device_id: str) -> list[Slot]:
        rows = await self.connection.fetch(
            f"""-- list_slots
            SELECT {SLOT_COLUMNS}
            FROM slot AS s JOIN slot_spec AS p USING (device_id, slot) JOIN device AS d USING (device_id)
            WHERE s.device_id = $1 ORDER BY s.slot
            """,
            device_id,
        )
        slots = {(row["device_id"], row["slot"]): as_slot(row) for row in rows}
        if jumped := [(row["device_id"], row["slot"]) for row in rows if row["jumped"]]:
            slots |= await self._with_jumps({place: slots[place] for place in jumped})
        return list(slots.values())

    async def save_slots(self, before: Mapping[Place, Slot], after: Iterable[Slot]) -> None:
        changed = [slot for slot in after if slot != before[slot.device_id, slot.slot]]
        if not changed:
            return
        await self.connection.execute(
            """-- save_slots
            UPDATE slot AS s SET
                level = r.level, last_seq = r.last_seq, used_total = r.used_total, rate_use = r.rate_use,
                rate_days = r.rate_days, used_at = r.used_at, received_at = r.received_at, variance = r.variance,
                used_before_today = r.used_before_today, at_level = r.at_level, at_days = r.at_days,
                shelf_and_on_order = r.shelf_and_on_order, opening = r.opening, received = r.received,
                unreported = r.unreported,
                unexplained = r.unexplained, duplicates = r.duplicates, boot_no = r.boot_no, gaps = r.gaps,
                reports = r.reports, below = r.below, armed = r.armed, follow = r.follow, read_at = r.read_at,
                reading_interval = r.reading_interval, jumped = r.jumped, plain = r.plain,
                quarantined = r.quarantined, boot = r.boot, finished_days = r.finished_days::bigint[]
            FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::float8[], $7::float8[],
                $8::float8[], $9::float8[], $10::float8[], $11::bigint[], $12::bigint[], $13::float8[],
                $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[], $19::bigint[],
                $20::int[], $21::int[], $22::smallint[], $23::smallint[], $24::bool[], $25::bool[], $26::float8[],
                $27::float8[], $28::bool[], $29::bool[], $30::bool[], $31::text[], $32::text[])
                AS r (device_id, slot, level, last_seq, used_total, rate_use, rate_days, used_at, received_at, variance,
                    used_before_today, at_level, at_days, shelf_and_on_order, opening, received, unreported,
                    unexplained,
                    duplicates, boot_no, gaps, reports, below, armed, follow, read_at, reading_interval, jumped, plain,
                    quarantined, boot, finished_days)
            WHERE s.device_id = r.device_id AND s.slot = r.slot
            """,
            *zip(*(as_row(slot) for slot in sorted(changed, key=_place)), strict=True),
        )
        await self._save_gaps(before, changed)
        await self._save_jumps(before, changed)

    async def add_slots(self, slots: Sequence[Slot]) -> None:
        for slot in sorted(slots, key=_place):
            await self._add_spec(slot)
            await self.connection.execute(
                """-- add_slots
                INSERT INTO slot (device_id, slot, level, opening, rate_use, rate_days, used_at, received_at, variance)
                VALUES ($1, $2, $3, $3, $4, $5, $6, $7, $8)
                """,
                slot.device_id,
                slot.slot,
                slot.books.opening,
                slot.rate.use,
                slot.rate.days,
                slot.rate.until,
                slot.received_at,
                slot.variance,
            )

    async def save_epoch(self, slot: Slot) -> None:
        await self.connection.execute(
            "-- save_epoch\nUPDATE slot_spec SET pool_id = $3, epoch = $4 WHERE device_id = $1 AND slot = $2",
            slot.device_id,
            slot.slot,
            slot.trigger.pool_id,
            slot.trigger.epoch,
        )

    async def _add_spec(self, slot: Slot) -> None:
        spec = slot.spec
        await self.connection.execute(
            """-- _add_spec
            INSERT INTO slot_spec (device_id, slot, customer_id, product_id, name, unit, scale, capacity, loading,
                fill, pool_id, epoch)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
            """,
            slot.device_id,
            slot.slot,
            spec.customer_id,
            spec.product_id,
            spec.name,
            spec.unit,
            spec.scale,
            spec.capacity,
            spec.loading,
            spec.fill,
            slot.trigger.pool_id,
            slot.trigger.epoch,
        )


def _place(slot: Slot) -> Place:
    return slot.device_id, slot.slot
