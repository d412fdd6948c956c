"""How a handler or an effect says that it cannot go on."""

import asyncpg


class NotYet(Exception):  # noqa: N818  # what happened, not that it is an error
    """Something the event needs is not here yet; the event and all later ones of its key wait.

    `waits_for` is a name such as `device:abc`; they go on when a handler says `store.appear(name)`.
    """

    def __init__(self, waits_for: str) -> None:
        super().__init__(f"waits for {waits_for}")
        self.waits_for = waits_for


class Refuse(Exception):  # noqa: N818  # see NotYet
    """This will never work; the record is parked, or the effect ends, with this reason."""


class Retry(Exception):  # noqa: N818  # see NotYet
    """This did not work now; the same thing is tried again after a pause.

    `after_seconds` is how long somebody asked an outside effect to wait; else the pause is the kit's.
    """

    def __init__(self, why: str = "", *, after_seconds: float | None = None) -> None:
        super().__init__(why)
        self.after_seconds = after_seconds


class Lost(Exception):  # noqa: N818  # see NotYet
    """Records are missing or the log is not the one we read before; going on would hide it."""


#: What Postgres says when the same transaction may work a moment later.
TRANSIENT = (
    Retry,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # asyncpg's word for a connection whose server died in the middle of an answer
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresSystemError,  # its disk
    asyncpg.ReadOnlySQLTransactionError,  # a standby that is being promoted
    asyncpg.IdleInTransactionSessionTimeoutError,
    ConnectionError,
    TimeoutError,
    OSError,
)
