"""A lease with one holder at a time. Unlike a lock, it expires when its holder freezes."""

from typing import NamedTuple

from libs.kit.database import Connection


class Holder(NamedTuple):
    """A process of a replica; the nonce distinguishes it from earlier or concurrent processes of that replica."""

    replica: str
    nonce: str

    def __str__(self) -> str:
        return f"{self.replica}/{self.nonce}"


async def take_lease(connection: Connection, name: str, holder: Holder, seconds: float, *, started: bool) -> bool:
    """Take or renew the lease and return whether this holder has it.

    A process that has just `started` takes over from its replica's previous process at once. If two processes of
    one replica run, the older one loses the lease.
    """
    held: str | None = await connection.fetchval(
        """-- take_lease
        INSERT INTO lease AS held (name, holder, until) VALUES ($1, $2, now() + make_interval(secs => $3))
        ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
        WHERE held.holder = excluded.holder OR held.until < now()
            OR ($4::boolean AND split_part(held.holder, '/', 1) = $5)
        RETURNING holder
        """,
        name,
        str(holder),
        seconds,
        started,
        holder.replica,
    )
    return held == str(holder)


async def end_lease(connection: Connection, name: str, holder: Holder) -> None:
    await connection.execute("-- end_lease\nDELETE FROM lease WHERE name = $1 AND holder = $2", name, str(holder))
