"""A lease row: one holder at a time, given up by silence; unlike a lock, no frozen process keeps it."""

from libs.kit.database import Connection


async def take_lease(connection: Connection, name: str, holder: str, seconds: float) -> bool:
    """Take or renew the lease and return whether it is ours.

    `holder` is the replica: its restarted process takes its own lease back at once.
    """
    held: str | None = await connection.fetchval(
        """-- take_lease
        INSERT INTO lease AS held (name, holder, until) VALUES ($1, $2, now() + make_interval(secs => $3))
        ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
        WHERE held.holder = excluded.holder OR held.until < now()
        RETURNING holder
        """,
        name,
        holder,
        seconds,
    )
    return held == holder


async def end_lease(connection: Connection, name: str, holder: str) -> None:
    await connection.execute("-- end_lease\nDELETE FROM lease WHERE name = $1 AND holder = $2", name, holder)
