"""Runs a service's ticks: each once per period across all replicas, in one transaction."""

import asyncio
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from libs.kit.database import Connection
from libs.kit.failures import TRANSIENT
from libs.kit.metrics import TICKS
from libs.kit.service import Tick
from libs.kit.transaction import conclude

if TYPE_CHECKING:
    from libs.kit.kit import Kit

LOG = logging.getLogger(__name__)
STEPPED_POLL_SECONDS = 0.01  # whoever steps the clock waits for the ticks
REAL_POLL_SECONDS = 0.5
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Ticker:
    """Looks at the clock and runs what is due."""

    def __init__(self, kit: "Kit") -> None:
        self._kit = kit
        self._ran_at: dict[str, datetime] = {}

    async def run(self) -> None:
        if not self._kit.service.ticks:
            return
        await self._create()
        poll = STEPPED_POLL_SECONDS if self._kit.clock.stepped else REAL_POLL_SECONDS
        while True:
            now = self._kit.clock.now()
            for tick in self._kit.service.ticks:
                last = self._ran_at.get(tick.called, LONG_AGO)
                if (now - last).total_seconds() >= tick.every_seconds:
                    await self._run(tick, now)
            await asyncio.sleep(poll)

    async def _create(self) -> None:
        async with self._kit.pool.acquire() as connection:
            for tick in self._kit.service.ticks:
                await connection.execute(
                    """-- create_tick
                    INSERT INTO tick (name, every_seconds, ran_at) VALUES ($1, $2, $3)
                    ON CONFLICT (name) DO UPDATE SET every_seconds = excluded.every_seconds
                    """,
                    tick.called,
                    tick.every_seconds,
                    LONG_AGO,
                )

    async def _run(self, tick: Tick, now: datetime) -> None:
        try:
            async with self._kit.writing() as connection:
                if not await self._claim(connection, tick, now):
                    return
                store = self._kit.store_in(connection)
                said = await tick.work(store)
                await conclude(connection, self._kit.speaker(store), store, said)
        except TRANSIENT as passing:
            LOG.warning("tick waits", extra={"tick": tick.called, "reason": repr(passing)})
            await asyncio.sleep(REAL_POLL_SECONDS)
            return
        self._ran_at[tick.called] = now
        self._kit.committed(store)
        TICKS.labels(tick.called).inc()

    async def _claim(self, connection: Connection, tick: Tick, now: datetime) -> bool:
        """Lock the tick's row and note this run; False where another replica ran it in this period."""
        ran_at: datetime = await connection.fetchval(
            "-- lock_tick\nSELECT ran_at FROM tick WHERE name = $1 FOR UPDATE", tick.called
        )
        if (now - ran_at).total_seconds() < tick.every_seconds:
            self._ran_at[tick.called] = ran_at
            return False
        await connection.execute("-- note_tick\nUPDATE tick SET ran_at = $2 WHERE name = $1", tick.called, now)
        return True
