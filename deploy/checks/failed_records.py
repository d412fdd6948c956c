"""Queries and retries of dead letters and deferred records, for operators."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import asyncpg

from deploy.checks.state import list_services
from deploy.local.errors import StackError
from deploy.local.names import for_people, for_python
from libs.kit.dead_letters import retry_dead_letters
from libs.kit.deferred import retry_deferred
from libs.kit.records import decode_headers

KINDS = ("dead-letter", "deferred")

#: Both tables as one; `head` is the first deferred record of the same key, which blocks the later ones.
ONE_SERVICE = """
SELECT '{schema}' AS service, 'dead-letter' AS kind, dead_letter_id AS number, topic, partition, "offset", key, reason,
       NULL AS waits_for, 0 AS attempts, dead_letter_id AS head, dead_lettered_at AS since, value, headers
FROM {schema}.dead_letter
UNION ALL
SELECT '{schema}', 'deferred', deferred_id, topic, partition, "offset", key, reason, waits_for, attempts,
       min(deferred_id) OVER (PARTITION BY topic, key), deferred_at, value, headers
FROM {schema}.deferred
"""
LIST = """-- list_failed_records
SELECT service, kind, number, topic, partition, "offset", key, reason, waits_for, attempts, head,
       extract(epoch FROM now() - since)::float8 AS age_s, length(value) AS size, NULL::bytea AS value, NULL AS headers,
       count(*) OVER () AS total
FROM ({records}) AS records ORDER BY since, service, kind, number LIMIT $1
"""
FIND = """-- find_failed_record
SELECT service, kind, number, topic, partition, "offset", key, reason, waits_for, attempts, head,
       extract(epoch FROM now() - since)::float8 AS age_s, length(value) AS size, value, headers, 1::bigint AS total
FROM ({records}) AS records WHERE kind = $1 AND number = $2
"""


class RecordId(NamedTuple):
    """Id of a record as operators see it: <service>/<dead-letter|deferred>/<number>."""

    service: str
    kind: str
    number: int

    def __str__(self) -> str:
        return f"{for_people(self.service)}/{self.kind}/{self.number}"


@dataclass(frozen=True)
class FailedRecord:
    """One dead letter or deferred record; `value` and `headers` are loaded only for a single record."""

    service: str
    kind: str
    number: int
    topic: str
    partition: int
    offset: int
    key: str | None
    reason: str
    waits_for: str | None
    attempts: int
    head: int
    age_s: float
    #: Length of the value in bytes.
    size: int | None
    value: bytes | None
    #: As stored, of a single record.
    headers: str | None
    #: Total number of records, of which a list may show only the oldest.
    total: int

    @property
    def id(self) -> RecordId:
        return RecordId(self.service, self.kind, self.number)

    @property
    def shown_headers(self) -> list[tuple[str, str | None]]:
        """Return names and values; bytes that are not UTF-8 are escaped."""
        return [
            (name, None if value is None else value.decode(errors="backslashreplace"))
            for name, value in decode_headers(self.headers)
        ]

    @property
    def place(self) -> str:
        return f"{self.topic}/{self.partition}@{self.offset}"

    @property
    def blocked_by(self) -> RecordId | None:
        """Return the deferred record that blocks this one; None if it is the first of its key."""
        return self.id._replace(number=self.head) if self.head != self.number else None


def parse_record_id(text: str) -> RecordId:
    """Parse an id as an operator types it; raises StackError."""
    service, _, rest = text.partition("/")
    kind, _, number = rest.partition("/")
    if not service or kind not in KINDS or not (number.isascii() and number.isdigit()) or int(number) >= 2**63:
        raise StackError(f"{text!r} is not an id such as consumption/dead-letter/12; see `replenish dead-letters list`")
    return RecordId(for_python(service), kind, int(number))


async def list_failed_records(database: asyncpg.Connection, service: str | None, at_most: int) -> list[FailedRecord]:
    """Return the oldest records of all services or of one."""
    services = await list_services(database)
    if service is not None:
        services = [_checked(service, services)]
    records = " UNION ALL ".join(ONE_SERVICE.format(schema=schema) for schema in services)
    rows = await database.fetch(LIST.format(records=records), at_most) if services else []
    return [FailedRecord(**row) for row in rows]


async def find_failed_record(database: asyncpg.Connection, record_id: RecordId) -> FailedRecord:
    """Return one record with its bytes; raises StackError if it does not exist."""
    schema = _checked(record_id.service, await list_services(database))
    find = FIND.format(records=ONE_SERVICE.format(schema=schema))
    row = await database.fetchrow(find, record_id.kind, record_id.number)
    if row is None:
        raise StackError(f"{record_id} does not exist (any more); see `replenish dead-letters list`")
    return FailedRecord(**row)


async def retry(database: asyncpg.Connection, ids: Iterable[RecordId]) -> int:
    """Retry records of one service, connected as its own role; return how many still existed."""
    wanted: dict[str, list[int]] = {kind: [] for kind in KINDS}
    for record_id in ids:
        wanted[record_id.kind].append(record_id.number)
    async with database.transaction():
        ended = await retry_dead_letters(database, wanted["dead-letter"])
        return ended + await retry_deferred(database, wanted["deferred"])


def _checked(service: str, services: Sequence[str]) -> str:
    if service not in services:
        known = ", ".join(map(for_people, services)) or "none"
        raise StackError(f"no service {for_people(service)!r} has records in this database; services: {known}")
    return service


def as_json(record: FailedRecord) -> dict[str, Any]:
    """Return what --json prints; bytes that are not UTF-8 are escaped."""
    shown = vars(record) | {"id": str(record.id), "service": for_people(record.service)}
    del shown["total"], shown["head"], shown["number"]
    shown["behind"] = str(record.blocked_by) if record.blocked_by else None
    shown["headers"] = [{"name": name, "value": value} for name, value in record.shown_headers]
    shown["value"] = None if record.value is None else record.value.decode(errors="backslashreplace")
    return shown
