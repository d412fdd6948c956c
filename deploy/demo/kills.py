"""Kills a service between receiving records and COMMIT, without a hook in its code.

A table that the service's handlers write is locked from outside. A transaction that applies records then
moves its checkpoint, does its work, and waits for our lock; pg_locks shows this, and the process is killed there.
"""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import asyncpg

from deploy.demo.event_log import EventLog
from deploy.local.names import for_people
from deploy.local.stack import DATABASE, Stack

Action = Callable[[], Coroutine[Any, Any, None]]

#: Few orders happen in the first weeks.
FIRST_DAY = 12
POLL_SECONDS = 0.003
#: If only other transactions wait for our lock, release it long before their lock_timeout.
OTHERS_WAIT_SECONDS = 1.0

#: The last table that each service's handlers write; the checkpoint table if they write no other.
WRITES: Mapping[str, str] = {
    "consumption": "outbox",
    "reorder_decision": "outbox",
    "order_dispatch": "outbox",
    "inventory": "outbox",
    "notification": "task",
    "portal": "checkpoint",
    "gateway": "checkpoint",
}
#: Transactions of a service that moved a checkpoint, have not committed, and wait for our lock.
APPLIED = """
SELECT a.pid FROM pg_stat_activity AS a
WHERE a.application_name LIKE $1 || '-%' AND $2 = ANY(pg_blocking_pids(a.pid))
  AND EXISTS (SELECT FROM pg_locks AS l WHERE l.pid = a.pid AND l.granted
              AND l.mode = 'RowExclusiveLock' AND l.relation = $3::text::regclass)
"""
#: Transactions that received records and wait with their first write, the checkpoint.
RECEIVED = """
SELECT a.pid FROM pg_stat_activity AS a
WHERE a.application_name LIKE $1 || '-%' AND $2 = ANY(pg_blocking_pids(a.pid))
  AND a.query LIKE '%save_checkpoints%' AND $3::text IS NOT NULL
"""
#: All transactions that wait for our lock.
WAITING = "SELECT count(*) FROM pg_stat_activity AS a WHERE $1 = ANY(pg_blocking_pids(a.pid))"


class Killer:
    """Kills each service once, on a day on which it has records to apply."""

    def __init__(self, stack: Stack, event_log: EventLog, register_something: Action) -> None:
        """`register_something` registers a device: the only input that the gateway consumes."""
        self._stack, self._event_log, self._register_something = stack, event_log, register_something
        self.left = list(WRITES)
        self.done: list[str] = []

    def is_due(self, day: int) -> bool:
        return day >= FIRST_DAY and bool(self.left)

    async def try_one(self, day: Action) -> str | None:
        """Run the day with the next service's table locked; return the killed service, None if no records came."""
        service = self.left.pop(0)
        # Two connections, because pg_stat_activity does not change within a transaction.
        locker, watcher = await asyncpg.connect(self._url()), await asyncpg.connect(self._url())
        day_task = asyncio.ensure_future(self._run_day(service, day))
        try:
            async with locker.transaction():
                await locker.execute(f'LOCK TABLE "{service}"."{WRITES[service]}" IN SHARE MODE')
                killed = await self._wait_and_kill(watcher, locker.get_server_pid(), service, day_task)
        finally:
            await locker.close()
            await watcher.close()
            await day_task
        (self.done if killed else self.left).append(service)
        return service if killed else None

    async def _run_day(self, service: str, day: Action) -> None:
        if service == "gateway":
            await self._register_something()
        await day()

    async def _wait_and_kill(
        self, watcher: asyncpg.Connection, locker_pid: int, service: str, day_task: "asyncio.Future[None]"
    ) -> bool:
        """Kill the service once its batch waits for our lock; stop when the day ends or only others wait."""
        query = RECEIVED if WRITES[service] == "checkpoint" else APPLIED
        others_since = 0.0
        while not day_task.done():
            if await watcher.fetch(query, service, locker_pid, f"{service}.checkpoint"):
                self._kill(service)
                return True
            if not await watcher.fetchval(WAITING, locker_pid):
                others_since = 0.0
            elif not others_since:
                others_since = time.monotonic()
            elif time.monotonic() - others_since > OTHERS_WAIT_SECONDS:
                return False
            await asyncio.sleep(POLL_SECONDS)
        return False

    def _kill(self, service: str) -> None:
        for seat in self._stack.supervisor.seats:
            if seat.member.name == f"{for_people(service)}-0" and seat.pid:
                self._event_log.write(op="kill", service=service, pid=seat.pid, window="before commit")
                os.kill(seat.pid, signal.SIGKILL)

    def _url(self) -> str:
        return self._stack.backends.database_admin_url.rpartition("/")[0] + f"/{DATABASE}"
