"""SQL of notices."""

from collections.abc import Sequence
from datetime import datetime

from asyncpg import Record

from libs.kit import Store as KitStore
from services.notification.domain import Kind, Notice, NoticeState

#: Columns of `notice` that make a Notice.
NOTICE_COLUMNS = """
    notice_id, customer_id, kind, reference, order_id, product_id, pool_id, epoch, state, reason, details
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
            """,  # noqa: S608  a constant of this module
            notice_id,
        )
        return None if row is None else _notice_of(row)

    async def lock_notice(self, notice_id: str) -> Notice | None:
        row = await self.connection.fetchrow(
            f"""-- lock_notice
            SELECT {NOTICE_COLUMNS}
            FROM notice WHERE notice_id = $1 FOR UPDATE
            """,  # noqa: S608  a constant of this module
            notice_id,
        )
        return None if row is None else _notice_of(row)

    async def complete_notice(self, notice_id: str, state: NoticeState, reason: str) -> None:
        await self.connection.execute(
            """-- complete_notice
            UPDATE notice SET state = $2, reason = $3, completed_at = $4 WHERE notice_id = $1
            """,
            notice_id,
            state,
            reason,
            self.now,
        )

    async def withdraw_notices(self, pool_id: str, epoch: int, kinds: Sequence[Kind]) -> None:
        await self.connection.execute(
            """-- withdraw_notices
            UPDATE notice SET state = 'withdrawn', reason = 'obsolete before it was sent', completed_at = $4
            WHERE pool_id = $1 AND epoch < $2 AND kind = ANY($3::text[]) AND state = 'due'
            """,
            pool_id,
            epoch,
            list(kinds),
            self.now,
        )

    async def withdraw_approval_request(self, pool_id: str, order_id: str) -> None:
        """Withdraw an unsent request for approval that has been answered."""
        await self.connection.execute(
            """-- withdraw_approval_request
            UPDATE notice SET state = 'withdrawn', reason = 'answered before it was sent', completed_at = $4
            WHERE pool_id = $1 AND kind = $2 AND order_id = $3 AND state = 'due'
            """,
            pool_id,
            Kind.APPROVAL_NEEDED,
            order_id,
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
