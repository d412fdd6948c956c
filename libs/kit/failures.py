"""Exceptions that handlers and tasks raise, and the errors that are worth a retry."""

import asyncpg


class NotYet(Exception):  # noqa: N818  # a signal of handlers to the kit
    """A dependency of the event does not exist yet; the event and all later ones of its key are deferred.

    `waits_for` is a name such as `device:abc`; the records are replayed after a handler calls `store.appear(name)`.
    """

    def __init__(self, waits_for: str) -> None:
        super().__init__(f"waits for {waits_for}")
        self.waits_for = waits_for


class Refuse(Exception):  # noqa: N818  # see NotYet
    """Retrying is useless: the record becomes a dead letter, or the task ends as refused, with this reason."""


class Retry(Exception):  # noqa: N818  # see NotYet
    """A temporary failure; the operation is retried after a pause.

    `after_seconds` is the pause that the called host requested (Retry-After); without it the kit backs off.
    """

    def __init__(self, why: str = "", *, after_seconds: float | None = None) -> None:
        super().__init__(why)
        self.after_seconds = after_seconds


class Lost(Exception):  # noqa: N818  # see NotYet
    """Records are missing, or the log is not the one read before; the process stops instead of hiding it."""


#: Errors after which the same transaction may succeed a moment later.
TRANSIENT = (
    Retry,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the server died while sending a response
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresSystemError,  # disk errors
    asyncpg.ReadOnlySQLTransactionError,  # a standby that is being promoted
    asyncpg.IdleInTransactionSessionTimeoutError,
    ConnectionError,
    TimeoutError,
    OSError,
)
