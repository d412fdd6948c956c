"""SQL of notices."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from asyncpg import Record

from libs.kit import Store as KitStore
from services.notification.domain import Kind, Notice, NoticeState

#: Columns of `notice` that make a Notice.
NOTICE_COLUMNS = """
    notice_id, customer_id, kind, reference, order_id, product_id, pool_id, epoch, state, reason, details, sent_with
"""


class Notices(KitStore):
    """One row per customer, kind and reference."""

    async def add_notice(self, notice: Notice) -> bool:
        """Store a notice; False if one with the same customer, kind and reference exists."""
        added: str | None = await self.connection.fetchval(
            """-- add_notice
            INSERT INTO notice (notice_id, customer_id, kind, reference, order_id, product_id, pool_id, epoch, state,
                reason, details, decided_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
            ON CONFLICT (customer_id, kind, reference) DO NOTHING
            RETURNING notice_id
            """,
            *(notice.notice_id, notice.customer_id, notice.kind, notice.reference, notice.order_id),
            *(notice.product_id, notice.pool_id, notice.epoch, notice.state, notice.reason, notice.details, self.now),
        )
        return added is not None

    async def find_notice(self, notice_id: str) -> Notice | None:
        row = await self.connection.fetchrow(
            f"""-- find_notice
            SELECT {NOTICE_COLUMNS}
            FROM notice WHERE notice_id = $1
            """,
            notice_id,
        )
        return None if row is None else _notice_of(row)

    async def lock_notice(self, notice_id: str) -> Notice | None:
        row = await self.connection.fetchrow(
            f"""-- lock_notice
            SELECT {NOTICE_COLUMNS}
            FROM notice WHERE notice_id = $1 FOR UPDATE
            """,
            notice_id,
        )
        return None if row is None else _notice_of(row)

    async def lock_due_notices(self, customer_id: str, order_id: str | None, kinds: Collection[Kind]) -> list[Notice]:
        rows = await self.connection.fetch(
            f"""-- lock_due_notices
            SELECT {NOTICE_COLUMNS}
            FROM notice WHERE customer_id = $1 AND order_id = $2 AND kind = ANY($3::text[]) AND state = 'due'
            ORDER BY notice_id FOR UPDATE
            """,
            customer_id,
            order_id,
            list(kinds),
        )
        return [_notice_of(row) for row in rows]

    async def bind_notices(self, mail_of: str, contents: Sequence[Notice]) -> None:
        """Store that the mail of one notice contains these."""
        await self.connection.execute(
            """-- bind_notices
            UPDATE notice SET sent_with = $1 WHERE notice_id = ANY($2::text[])
            """,
            mail_of,
            [notice.notice_id for notice in contents],
        )

    async def complete_notices(self, mail_of: str, state: NoticeState, reason: str | None) -> list[Notice]:
        """End the notices in the mail of this notice and return them; without a reason, each keeps its own."""
        rows = await self.connection.fetch(
            f"""-- complete_notices
            UPDATE notice SET state = $2, reason = coalesce($3, reason), completed_at = $4
            WHERE (notice_id = $1 OR sent_with = $1) AND state <> 'sent'
            RETURNING {NOTICE_COLUMNS}
            """,
            mail_of,
            state,
            reason,
            self.now,
        )
        return [_notice_of(row) for row in rows]

    async def withdraw_notices(self, epochs: Mapping[str, int], kinds: Sequence[Kind]) -> None:
        """Withdraw unsent notices of each pool from before its epoch."""
        await self.connection.execute(
            """-- withdraw_notices
            UPDATE notice SET state = 'withdrawn', reason = 'obsolete before it was sent', completed_at = $4
            FROM unnest($1::text[], $2::integer[]) AS later(pool_id, epoch)
            WHERE notice.pool_id = later.pool_id AND notice.epoch < later.epoch AND kind = ANY($3::text[])
                AND state = 'due'
            """,
            list(epochs),
            list(epochs.values()),
            list(kinds),
            self.now,
        )

    async def withdraw_approval_requests(self, pool_id: str, order_id: str, others: Mapping[str, int]) -> None:
        """Withdraw unsent requests for approval that have been answered.

        `others` are the pools of further lines with their epochs, which may have been proposed as other orders.
        """
        await self.connection.execute(
            """-- withdraw_approval_requests
            UPDATE notice SET state = 'withdrawn', reason = 'answered before it was sent', completed_at = $6
            WHERE pool_id = ANY($1::text[]) AND kind = $2 AND state = 'due' AND (order_id = $3
                OR (pool_id, epoch) IN (SELECT * FROM unnest($4::text[], $5::integer[])))
            """,
            [pool_id, *others],
            Kind.APPROVAL_NEEDED,
            order_id,
            list(others),
            list(others.values()),
            self.now,
        )

    async def find_last_notified_at(self, pool_id: str, kind: Kind) -> datetime | None:
        """Return when the last sent or due notice of this kind about the pool was decided."""
        decided_at: datetime | None = await self.connection.fetchval(
            """-- find_last_notified_at
            SELECT max(decided_at) FROM notice WHERE pool_id = $1 AND kind = $2 AND state IN ('due', 'sent')
            """,
            pool_id,
            kind,
        )
        return decided_at

    async def list_notices(self, customer_id: str, before: str | None, limit: int) -> Sequence[Record]:
        """Return a page of notices, the latest first, that are older than notice `before`."""
        rows: Sequence[Record] = await self.connection.fetch(
            """-- list_notices
            SELECT notice_id, kind, order_id, product_id, state, reason, decided_at, completed_at
            FROM notice
            WHERE customer_id = $1 AND ($2::text IS NULL OR (decided_at, notice_id) <
                (SELECT decided_at, notice_id FROM notice WHERE customer_id = $1 AND notice_id = $2))
            ORDER BY decided_at DESC, notice_id DESC LIMIT $3
            """,
            customer_id,
            before,
            limit,
        )
        return rows


def _notice_of(row: Record) -> Notice:
    return Notice(**{**row, "kind": Kind(row["kind"]), "state": NoticeState(row["state"])})
