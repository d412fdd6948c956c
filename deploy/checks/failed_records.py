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

KINDS = ("parked", "held")

#: Both tables as one; `head` is the first deferred record of the same key, which blocks the later ones.
ONE_SERVICE = """
SELECT '{schema}' AS service, 'parked' AS kind, dead_letter_id AS number, topic, partition, "offset", key, reason,
       NULL AS waits_for, 0 AS attempts, dead_letter_id AS head, dead_lettered_at AS since, value
FROM {schema}.dead_letter
UNION ALL
SELECT '{schema}', 'held', deferred_id, topic, partition, "offset", key, reason, waits_for, attempts,
       min(deferred_id) OVER (PARTITION BY topic, key), deferred_at, value
FROM {schema}.deferred
"""
LIST = """-- list_troubles
SELECT service, kind, number, topic, partition, "offset", key, reason, waits_for, attempts, head,
       extract(epoch FROM now() - since)::float8 AS age_s, length(value) AS size, NULL::bytea AS value,
       count(*) OVER () AS among
FROM ({everything}) AS everything ORDER BY since, service, kind, number LIMIT $1
"""
FIND = """-- find_trouble
SELECT service, kind, number, topic, partition, "offset", key, reason, waits_for, attempts, head,
       extract(epoch FROM now() - since)::float8 AS age_s, length(value) AS size, value, 1::bigint AS among
FROM ({everything}) AS everything WHERE kind = $1 AND number = $2
"""


class Name(NamedTuple):
    """Operator-facing id of such a record: <service>/<parked|held>/<number>."""

    service: str
    kind: str
    number: int

    def __str__(self) -> str:
        return f"{for_people(self.service)}/{self.kind}/{self.number}"


@dataclass(frozen=True)
class Trouble:
    """One dead letter or deferred record; `value` is loaded only for a single record."""

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
    #: Total number of records, of which a list may show only the oldest.
    among: int

    @property
    def name(self) -> Name:
        return Name(self.service, self.kind, self.number)

    @property
    def place(self) -> str:
        return f"{self.topic}/{self.partition}@{self.offset}"

    @property
    def before_it(self) -> Name | None:
        """Return the deferred record that blocks this one; None if it is the first of its key."""
        return self.name._replace(number=self.head) if self.head != self.number else None


def read_name(text: str) -> Name:
    """Parse an id as an operator types it; raises StackError."""
    service, _, rest = text.partition("/")
    kind, _, number = rest.partition("/")
    if not service or kind not in KINDS or not (number.isascii() and number.isdigit()) or int(number) >= 2**63:
        raise StackError(
            f"{text!r} is not an id; expected e.g. consumption/parked/12, as `replenish parked list` shows"
        )
    return Name(for_python(service), kind, int(number))


async def list_troubles(database: asyncpg.Connection, service: str | None, at_most: int) -> list[Trouble]:
    """Return the oldest records of all services or of one."""
    services = await list_services(database)
    if service is not None:
        services = [_known(service, services)]
    everything = " UNION ALL ".join(ONE_SERVICE.format(schema=schema) for schema in services)
    rows = await database.fetch(LIST.format(everything=everything), at_most) if services else []
    return [Trouble(**row) for row in rows]


async def find_trouble(database: asyncpg.Connection, name: Name) -> Trouble:
    """Return one record with its bytes; raises StackError if it does not exist."""
    schema = _known(name.service, await list_services(database))
    row = await database.fetchrow(FIND.format(everything=ONE_SERVICE.format(schema=schema)), name.kind, name.number)
    if row is None:
        raise StackError(f"{name} does not exist (any more); see `replenish parked list`")
    return Trouble(**row)


async def retry(database: asyncpg.Connection, names: Iterable[Name]) -> int:
    """Retry records of one service, connected as its own role; return how many still existed."""
    wanted: dict[str, list[int]] = {kind: [] for kind in KINDS}
    for name in names:
        wanted[name.kind].append(name.number)
    async with database.transaction():
        return await retry_dead_letters(database, wanted["parked"]) + await retry_deferred(database, wanted["held"])


def _known(service: str, services: Sequence[str]) -> str:
    if service not in services:
        known = ", ".join(map(for_people, services)) or "none"
        raise StackError(f"no service {for_people(service)!r} has records in this database; services: {known}")
    return service


def as_json(trouble: Trouble) -> dict[str, Any]:
    """Return what --json prints; bytes that are not UTF-8 are escaped."""
    shown = vars(trouble) | {"id": str(trouble.name), "service": for_people(trouble.service)}
    del shown["among"], shown["head"], shown["number"]
    shown["behind"] = str(trouble.before_it) if trouble.before_it else None
    shown["value"] = None if trouble.value is None else trouble.value.decode(errors="backslashreplace")
    return shown
