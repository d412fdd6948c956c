"""Exceptions that handlers and tasks raise, and the errors that are worth a retry."""

import asyncpg


class NotReadyError(Exception):
    """A dependency of the event does not exist yet; the event and all later ones of its key are deferred.

    `waits_for` is a name such as `device:abc`; the records are replayed after a handler calls
    `store.resolve_dependency(name)`.
    """

    def __init__(self, waits_for: str) -> None:
        super().__init__(f"waits for {waits_for}")
        self.waits_for = waits_for


class RejectedError(Exception):
    """Retrying is useless: the record becomes a dead letter, or the task ends as refused, with this reason."""


class RetryLaterError(Exception):
    """A temporary failure; the operation is retried after a pause.

    `after_seconds` is the pause that the called host requested (Retry-After); without it the kit backs off.
    """

    def __init__(self, why: str = "", *, after_seconds: float | None = None) -> None:
        super().__init__(why)
        self.after_seconds = after_seconds


class RecordLossError(Exception):
    """Records are missing, or the log is not the one read before; the process stops instead of hiding it."""


#: Errors after which the same transaction may succeed a moment later.
TRANSIENT = (
    RetryLaterError,
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
