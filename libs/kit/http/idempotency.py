"""Idempotency keys of POSTs, as in section 6 of the Agentic Commerce Protocol.

A key is scoped to principal and path, and its row is written in the business transaction. The same key with
another body is a conflict (422); while the first request is still running the response is 409.
"""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Generic, NamedTuple

import asyncpg
import orjson
from fastapi import Request
from fastapi.responses import JSONResponse

from libs.kit.connections import Connection
from libs.kit.http.problems import ProblemError
from libs.kit.kit import Kit, StoredResponse, StoreT, Transaction
from replenish_contracts.catalogue import Event

LONGEST_KEY = 255
KEY_FIELD = "header.idempotency-key"
EXACT = 2.0**53


def key_from(header: str | None) -> str:
    """Return the required Idempotency-Key; raises ProblemError 400 if it is missing or invalid."""
    if header is None:
        raise ProblemError(
            400,
            "idempotency_key_required",
            "This request needs an Idempotency-Key",
            field=KEY_FIELD,
            problem="the header Idempotency-Key is missing",
            remedy="send a new key for each new request, for example a UUID, and the same key when you repeat it",
        )
    if not 1 <= len(header) <= LONGEST_KEY or not header.isascii() or not header.isprintable():
        detail = f"Send 1 to {LONGEST_KEY} printable ASCII characters, for example a UUID."
        raise ProblemError(
            400,
            "idempotency_key_invalid",
            "The Idempotency-Key is not valid",
            detail=detail,
            field=KEY_FIELD,
            problem=f"the key has {len(header)} characters or contains one that is not printable ASCII",
            remedy=f"send 1 to {LONGEST_KEY} printable ASCII characters, for example a UUID",
        )
    return header


def digest_of(body: bytes) -> str:
    """Return a digest that ignores JSON spacing, the order of members, and 1.0 instead of 1."""
    # A body that is not JSON, or nested too deeply for orjson, is compared byte by byte.
    with suppress(orjson.JSONDecodeError, orjson.JSONEncodeError, RecursionError):
        body = orjson.dumps(_whole(orjson.loads(body)), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(body).hexdigest()


def _whole(value: Any) -> Any:
    """Return the JSON value with whole floats as integers."""
    if isinstance(value, dict):
        return {name: _whole(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_whole(member) for member in value]
    # Above 2**53 a float no longer identifies one integer.
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) <= EXACT else value


class IdempotentRequest(NamedTuple):
    """A request that can be retried under its Idempotency-Key."""

    principal: str
    path: str
    key: str
    digest: str

    async def find_response(self, connection: Connection) -> StoredResponse | None:
        """Return the stored response, or lock the key for this transaction and return None.

        Raises ProblemError 409 while another request with the key is running, and 422 if its body differs.
        """
        free = await connection.fetchval(
            "-- lock_idempotency_key\nSELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))",
            f"{self.principal}\n{self.path}\n{self.key}",
        )
        if not free:
            raise ProblemError(
                409,
                "idempotency_in_flight",
                "The same request is still being processed",
                headers={"Retry-After": "1"},
                field=KEY_FIELD,
                problem="a request with this key is still being processed",
                remedy="send the same request again in 1 s to get its response",
            )
        row = await connection.fetchrow(
            """-- find_response
            SELECT digest, status, body FROM idempotency WHERE principal = $1 AND path = $2 AND key = $3
            """,
            self.principal,
            self.path,
            self.key,
        )
        if row is None:
            return None
        if row["digest"] != self.digest:
            raise ProblemError(
                422,
                "idempotency_conflict",
                "This Idempotency-Key was already used with a different body",
                detail="Send the same body, or use a new key for a new request.",
                field=KEY_FIELD,
                problem=f"the key {self.key} was first used with another body at {self.path}",
                remedy="send the same body to get the first response, or use a new key for a new request",
            )
        return StoredResponse(row["status"], row["body"])

    async def save_response(self, connection: Connection, response: StoredResponse) -> None:
        try:
            await connection.execute(
                """-- save_response
                INSERT INTO idempotency (principal, path, key, digest, status, body) VALUES ($1, $2, $3, $4, $5, $6)
                """,
                *self,
                *response,
            )
        except asyncpg.UniqueViolationError:
            title = "The same request has just been processed"
            raise ProblemError(
                409,
                "idempotency_in_flight",
                title,
                headers={"Retry-After": "1"},
                field=KEY_FIELD,
                problem="a request with this key was processed at the same time",
                remedy="send the same request again in 1 s to get its response",
            ) from None


class ReplayedError(Exception):
    """The command ran before under its Idempotency-Key; the application sends the stored response."""

    def __init__(self, response: StoredResponse) -> None:
        super().__init__(f"replayed with status {response.status}")
        self.response = response


class Command(Generic[StoreT]):
    """The transaction of a POST, and its response."""

    def __init__(self, transaction: Transaction[StoreT]) -> None:
        self._transaction = transaction
        self.store = transaction.store

    def publish(self, *events: Event) -> None:
        """Publish the events after the commit."""
        self._transaction.publish(*events)

    def respond(self, status: int, body: dict[str, Any]) -> JSONResponse:
        """Return the response for the client, after storing it for retries in this transaction."""
        return send(self._transaction.respond(status, body))


@asynccontextmanager
async def command(kit: Kit[StoreT], request: IdempotentRequest | None) -> AsyncIterator[Command[StoreT]]:
    """Open the transaction of a command that runs once per Idempotency-Key, or each time without one.

    The body runs only for the first request; its retries raise ReplayedError here, which the application answers.
    """
    async with kit.transaction(request) as transaction:
        if transaction.replayed:
            raise ReplayedError(transaction.replayed)
        yield Command(transaction)


def send(response: StoredResponse, *, replayed: bool = False) -> JSONResponse:
    """Return the response stored under an Idempotency-Key."""
    return JSONResponse(response.body, response.status, headers={"Idempotent-Replayed": "true"} if replayed else None)


async def answer_replayed(_: Request, replayed: Exception) -> JSONResponse:
    assert isinstance(replayed, ReplayedError)  # noqa: S101  # registered for nothing else
    return send(replayed.response, replayed=True)
