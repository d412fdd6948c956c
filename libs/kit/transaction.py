"""Ends a service's transaction: tasks and events are committed together with its rows."""

import json
from collections.abc import Sequence

from libs.kit import outbox, trouble
from libs.kit.database import Connection
from libs.kit.store import Store
from replenish_contracts.catalogue import Event


async def conclude(connection: Connection, speaker: outbox.OutboxWriter, store: Store, events: Sequence[Event]) -> None:
    """Write the queued tasks and the events; call it last before COMMIT.

    The lock order everywhere is: checkpoints, the service's own rows, tasks, then all counters at once.
    """
    if store.resolved_dependencies:
        await trouble.release_waiting(connection, store.resolved_dependencies)
    if store.added_tasks:
        await _insert_intents(connection, store)
    store.spoke = bool(events)
    entries = [outbox.Said(event, store.cause_of(event), store.trace_of(event)) for event in events]
    await outbox.say(connection, speaker, entries)


async def _insert_intents(connection: Connection, store: Store) -> None:
    tasks = store.added_tasks
    await connection.execute(
        """-- insert_intents
        INSERT INTO task (kind, id, payload, due_at, cause, traceparent)
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[]::jsonb[], $4::timestamptz[], $5::text[], $6::text[])
        ON CONFLICT (kind, id) DO NOTHING
        """,
        [task.kind for task in tasks],
        [task.task_id for task in tasks],
        [json.dumps(task.payload, default=str) for task in tasks],
        [task.due_at for task in tasks],
        [task.cause for task in tasks],
        [task.traceparent for task in tasks],
    )
