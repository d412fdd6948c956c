"""SQL of tasks: claim, renew, end, postpone and clean up."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from libs.kit.database import Connection
from libs.kit.records import storable
from libs.kit.service import Task


class Claimed(NamedTuple):
    """A task claimed by this process until its lease expires."""

    kind: str
    task: Task
    attempt_id: UUID
    was_unknown: bool
    cause: str | None
    traceparent: str | None


async def lose_expired(connection: Connection, alive: list[UUID]) -> None:
    """Mark claimed tasks whose lease expired as unknown, except the `alive` attempts of this process."""
    await connection.execute(
        """-- lose_expired
        UPDATE task SET state = 'unknown', reason = 'no outcome before the lease ran out'
        WHERE (kind, id) IN (
            SELECT kind, id FROM task
            WHERE state = 'claimed' AND lease_until < now() AND attempt_id <> ALL($1::uuid[])
            ORDER BY kind, id FOR UPDATE SKIP LOCKED)
        """,
        alive,
    )


async def claim(
    connection: Connection, attempt_id: UUID, now: datetime, kinds: list[tuple[str, bool, float]], limit: int
) -> list[Claimed]:
    """Claim due tasks, and unknown ones that can be reconciled; `kinds` has (kind, can reconcile, lease seconds)."""
    rows = await connection.fetch(
        """-- claim
        WITH able AS (SELECT * FROM unnest($3::text[], $4::boolean[], $5::double precision[])
                      AS able (kind, reconciles, lease_seconds)),
        next AS (
            SELECT task.kind, task.id, task.state, able.lease_seconds FROM task JOIN able USING (kind)
            WHERE (state = 'due' OR (state = 'unknown' AND able.reconciles))
                AND due_at <= $2 AND retry_at <= now()
            ORDER BY due_at, id LIMIT $6 FOR UPDATE OF task SKIP LOCKED)
        UPDATE task SET state = 'claimed', attempt = attempt + 1, attempt_id = $1,
                          lease_until = now() + make_interval(secs => next.lease_seconds)
        FROM next WHERE task.kind = next.kind AND task.id = next.id
        RETURNING task.kind, task.id, payload, attempt, next.state = 'unknown' AS was_unknown,
                  cause, traceparent
        """,
        attempt_id,
        now,
        [kind for kind, _, _ in kinds],
        [reconciles for _, reconciles, _ in kinds],
        [seconds for _, _, seconds in kinds],
        limit,
    )
    return [
        Claimed(
            row["kind"],
            Task(row["id"], row["payload"], row["attempt"]),
            attempt_id,
            bool(row["was_unknown"]),
            row["cause"],
            row["traceparent"],
        )
        for row in rows
    ]


async def renew(connection: Connection, claimed: Claimed, lease_seconds: float) -> None:
    await connection.execute(
        """-- renew
        UPDATE task SET lease_until = now() + make_interval(secs => $4)
        WHERE kind = $1 AND id = $2 AND attempt_id = $3 AND state = 'claimed'
        """,
        claimed.kind,
        claimed.task.id,
        claimed.attempt_id,
        lease_seconds,
    )


async def end(connection: Connection, claimed: Claimed, state: str, reason: str | None) -> bool:
    """Record the outcome if this attempt still holds the lease, and return whether it does.

    The reason may come from outside, so characters that Postgres cannot store are replaced.
    """
    ours = await connection.fetchval(
        """-- end
        UPDATE task SET state = $4, reason = $5, completed_at = now()
        WHERE kind = $1 AND id = $2 AND attempt_id = $3 AND state = 'claimed' RETURNING true
        """,
        claimed.kind,
        claimed.task.id,
        claimed.attempt_id,
        state,
        None if reason is None else storable(reason),
    )
    return bool(ours)


async def put_back(
    connection: Connection, claimed: Claimed, reason: str, pause_seconds: float, *, unknown: bool
) -> None:
    """Postpone the task; an unknown one is reconciled then, or waits for an operator if its kind cannot reconcile."""
    await connection.execute(
        """-- put_back
        UPDATE task SET state = CASE WHEN $6 THEN 'unknown' ELSE 'due' END, reason = left($4, 500),
                          retry_at = now() + make_interval(secs => $5)
        WHERE kind = $1 AND id = $2 AND attempt_id = $3 AND state = 'claimed'
        """,
        claimed.kind,
        claimed.task.id,
        claimed.attempt_id,
        reason,
        pause_seconds,
        unknown,
    )


async def clean(connection: Connection, keep_days: int) -> None:
    await connection.execute(
        """-- clean
        DELETE FROM task WHERE state IN ('done', 'refused') AND completed_at < now() - make_interval(days => $1)
        """,
        keep_days,
    )
