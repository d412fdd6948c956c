"""The statement of the hot path: in-order uses of a whole batch in one UPDATE."""

from collections.abc import Sequence
from typing import NamedTuple

from libs.kit import Store
from services.consumption.domain.rate import SHORTEST_SECONDS, TAU_DAYS, TAU_SECONDS
from services.consumption.domain.uncertainty import REPORT_VARIANCE


class Uses(NamedTuple):
    """SlotUsed reports by column, at most one per slot, sorted by slot; times are unix seconds."""

    device_ids: Sequence[str]
    slots: Sequence[str]
    boots: Sequence[str]
    seqs: Sequence[int]
    used: Sequence[int]
    used_at: Sequence[float]
    received_at: Sequence[float]

    def place(self, n: int) -> tuple[str, str]:
        return self.device_ids[n], self.slots[n]


class AppliedUses(NamedTuple):
    """Positions, from 0, of the applied uses and of those whose slot crossed its threshold or is followed."""

    positions: Sequence[int]
    crossed: Sequence[int]
    followed: Sequence[int]


class HotPath(Store):
    async def apply_uses(self, uses: Uses) -> AppliedUses:
        """Apply each use that is the next report of a plain slot and does not exceed its level; skip the others.

        The statement repeats the arithmetic of rate.py, uncertainty.py, days.py and trigger.py in the domain, so that
        the hot path needs one pass over the rows. A property test compares both.
        """
        row = await self.connection.fetchrow(
            """-- apply_uses
            WITH moved AS (
                UPDATE slot AS s SET
                    level = s.level - r.used,
                    used_total = s.used_total + r.used,
                    last_seq = r.seq,
                    boot = r.boot,
                    boot_no = GREATEST(s.boot_no, 1),
                    rate_use = r.used * $8::float8 / GREATEST(r.used_at - s.used_at, $11)
                        + (s.rate_use - r.used * $8 / GREATEST(r.used_at - s.used_at, $11))
                        * exp(GREATEST(r.used_at - s.used_at, $11) / -$8),
                    rate_days = $9::float8 + (s.rate_days - $9) * exp(GREATEST(r.used_at - s.used_at, $11) / -$8),
                    used_at = GREATEST(s.used_at, r.used_at),
                    received_at = r.received_at,
                    variance = s.variance + $10::float8 * r.used * r.used,
                    finished_days = CASE WHEN floor(r.used_at / 86400) <= floor(s.used_at / 86400)
                        THEN s.finished_days
                        ELSE s.finished_days || ARRAY[floor(s.used_at / 86400)::bigint,
                            s.used_total + s.unreported - s.used_before_today, s.level] END,
                    used_before_today = CASE WHEN floor(r.used_at / 86400) <= floor(s.used_at / 86400)
                        THEN s.used_before_today ELSE s.used_total + s.unreported END
                FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::float8[], $7::float8[])
                    WITH ORDINALITY AS r (device_id, slot, boot, seq, used, used_at, received_at, n)
                WHERE s.device_id = r.device_id AND s.slot = r.slot
                    AND s.last_seq = r.seq - 1 AND (s.boot = r.boot OR s.boot IS NULL)
                    AND s.plain AND s.level > 0 AND s.level >= r.used
                    AND (r.used_at >= s.used_at OR s.used_total + s.unreported > 0)
                RETURNING (r.n - 1)::int AS n,
                    s.armed AND s.level + s.shelf_and_on_order
                        <= GREATEST(s.at_level, s.at_days * s.rate_use / s.rate_days) AS crossed,
                    (s.follow OR s.linked) AND r.used > 0 AS followed)
            SELECT coalesce(array_agg(n), '{}'),
                coalesce(array_agg(n) FILTER (WHERE crossed), '{}'),
                coalesce(array_agg(n) FILTER (WHERE followed), '{}')
            FROM moved
            """,
            *uses,
            TAU_SECONDS,
            TAU_DAYS,
            REPORT_VARIANCE,
            SHORTEST_SECONDS,
        )
        assert row is not None  # noqa: S101  an aggregate without GROUP BY returns one row
        return AppliedUses(*row)
