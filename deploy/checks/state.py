"""Checks inside the database: the kit's tables, and each service's own views named check_*."""

import asyncpg

from deploy.checks.findings import Findings

Database = asyncpg.Connection
#: If events are unpublished for longer, the relay is down or the broker is unreachable.
OLDEST_UNSENT_SECONDS = 60

UNSENT = """
SELECT counter.topic, counter.partition, counter.sequence - counter.published AS promised, count(outbox.*) AS stored,
       coalesce(extract(epoch FROM now() - min(outbox.created_at)), 0)::float8 AS oldest_s
FROM {schema}.counter LEFT JOIN {schema}.outbox ON outbox.topic = counter.topic
     AND outbox.partition = counter.partition AND outbox.sequence > counter.published
GROUP BY counter.topic, counter.partition, counter.sequence, counter.published
HAVING counter.sequence > counter.published OR count(outbox.*) > 0
"""
WAITING = """
SELECT reason, count(*) AS records, min(topic || '/' || partition || '@' || "offset") AS example
FROM {schema}.{table} GROUP BY reason ORDER BY 2 DESC LIMIT 10
"""
UNKNOWN = "SELECT kind, count(*) AS tasks, min(id) AS example FROM {schema}.task WHERE state = 'unknown' GROUP BY kind"


async def list_services(database: Database) -> list[str]:
    """Return the schemas that have the kit's tables."""
    rows = await database.fetch(
        "SELECT table_schema FROM information_schema.tables WHERE table_name = 'checkpoint' ORDER BY 1"
    )
    return [row["table_schema"] for row in rows]


async def check_outboxes(database: Database, findings: Findings, schema: str) -> None:
    """Check that every numbered and unacknowledged event is in the outbox, and not for long."""
    for row in await database.fetch(UNSENT.format(schema=schema)):
        place = f"{schema}.outbox {row['topic']}/{row['partition']}"
        findings.count("unsent", row["promised"])
        if row["stored"] != row["promised"]:
            findings.differ("every numbered event is kept until it is published", place, _missing(row))
        if row["oldest_s"] > OLDEST_UNSENT_SECONDS:
            problem = f"{row['promised']} events unsent, the oldest for {row['oldest_s']:.0f} s"
            findings.differ(f"no event waits in an outbox for {OLDEST_UNSENT_SECONDS} s", place, problem)


def _missing(row: asyncpg.Record) -> str:
    return f"{row['promised']} events are numbered and not published, the outbox has {row['stored']}"


async def note_failed_records(database: Database, findings: Findings, schema: str) -> None:
    """Note failed records and unknown tasks, which may need an operator."""
    for table in ("deferred", "dead_letter"):
        for row in await database.fetch(WAITING.format(schema=schema, table=table)):
            findings.count(table, row["records"])
            findings.note(table, f"{schema} {row['example']}", f"{row['records']} records: {row['reason'][:200]}")
    for row in await database.fetch(UNKNOWN.format(schema=schema)):
        findings.count("unknown_tasks", row["tasks"])
        findings.note("unknown outcome", f"{schema} {row['kind']} {row['example']}", f"{row['tasks']} tasks")


async def check_views(database: Database, findings: Findings, schema: str) -> None:
    """Query every view named check_* of the service; each row (subject, problem) is a violation."""
    rows = await database.fetch(
        """SELECT table_name FROM information_schema.views
        WHERE table_schema = $1 AND table_name LIKE 'check\\_%' ORDER BY 1""",
        schema,
    )
    for view in (row["table_name"] for row in rows):
        rule = f"{schema}: {view.removeprefix('check_').replace('_', ' ')}"
        findings.count("views", 1)
        for row in await database.fetch(f'SELECT subject, problem FROM {schema}."{view}" LIMIT 100'):  # noqa: S608  # schema and view are ours
            findings.differ(rule, row["subject"], row["problem"])
