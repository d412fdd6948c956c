"""Carries out outside effects: a claimed row first, the call outside any transaction, the outcome after."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from libs.kit import effects_sql
from libs.kit.context import CURRENT, Work
from libs.kit.effects_sql import Claimed
from libs.kit.failures import TRANSIENT, Refuse, Retry
from libs.kit.metrics import EFFECTS
from libs.kit.service import Effect, Outcome
from libs.kit.store import Store
from libs.kit.transaction import conclude
from libs.kit.waking import woken_within

if TYPE_CHECKING:
    from libs.kit.kit import Kit

LOG = logging.getLogger(__name__)
AT_ONCE = 8
POLL_SECONDS = 0.5
LOST_POLL_SECONDS = 2.0  # a lease is many seconds long: that it ran out need not be known at once
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 300.0
LONGEST_SETTLE_PAUSE_SECONDS = 5.0


class Effects:
    """Claims due intents and sees each to a known end."""

    def __init__(self, kit: "Kit") -> None:
        self._kit = kit
        self._effects = {effect.kind: effect for effect in kit.service.effects}
        self._woken = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()
        #: Attempts of this process whose end is not written down; no lease that ran out makes them anybody else's.
        self._alive: Counter[UUID] = Counter()
        self._stopping = False
        self._looked_for_lost_at = 0.0

    def after_commit(self, store: Store) -> None:
        """Look now where something was intended."""
        if store.intended:
            self._woken.set()

    def clock_stepped(self) -> None:
        """Look now: more may be due."""
        self._woken.set()

    def finish(self) -> None:
        """Let `run` end once the calls under way have their outcome."""
        self._stopping = True
        self._woken.set()

    async def run(self) -> None:
        try:
            while self._effects and not self._stopping:
                if not await self._start_some():
                    await self._wait()
            await asyncio.gather(*self._running)
        finally:
            for task in self._running:
                task.cancel()

    async def _start_some(self) -> bool:
        """Claim what is due, as much as may run at once: a slow effect takes one place, and not all.

        Return whether there may be more that can run now.
        """
        free = AT_ONCE - len(self._running)
        if not free:
            return False
        try:
            claimed = await self._claim(free)
        except TRANSIENT as passing:
            LOG.warning("effects wait", extra={"reason": repr(passing)})
            return False
        self._alive.update(intent.attempt_id for intent in claimed)
        for intent in claimed:
            task = asyncio.create_task(self._see_through(intent))
            self._running.add(task)
            task.add_done_callback(self._ended)
        return len(claimed) == free

    def _ended(self, task: asyncio.Task[None]) -> None:
        if len(self._running) == AT_ONCE:
            self._woken.set()  # others may have waited for a place
        self._running.discard(task)
        if not task.cancelled() and (bug := task.exception()):
            self._kit.fail(bug)

    async def _wait(self) -> None:
        """Wait for a commit that queued something, for the clock to be stepped, or for the poll."""
        await woken_within(self._woken, POLL_SECONDS)
        self._woken.clear()

    async def _claim(self, limit: int) -> list[Claimed]:
        async with self._kit.pool.acquire() as connection:
            if time.monotonic() - self._looked_for_lost_at > LOST_POLL_SECONDS:
                await effects_sql.lose_expired(connection, list(self._alive))
                self._looked_for_lost_at = time.monotonic()
            return await effects_sql.claim(connection, uuid4(), self._kit.clock.now(), self._able_kinds(), limit)

    def _able_kinds(self) -> list[tuple[str, bool, float]]:
        return [(e.kind, e.reconcile is not None, e.lease_seconds) for e in self._effects.values()]

    async def _see_through(self, claimed: Claimed) -> None:
        effect = self._effects[claimed.kind]
        CURRENT.set(Work(claimed.cause, claimed.traceparent))
        try:
            if outcome := await self._call(effect, claimed):
                await self._settle_patiently(effect, claimed, outcome)
        finally:
            self._alive -= Counter([claimed.attempt_id])

    async def _call(self, effect: Effect, claimed: Claimed) -> Outcome | None:
        """Return how the call ended, or nothing where the intent was put back."""
        call = effect.reconcile if claimed.was_unknown and effect.reconcile else effect.perform
        try:
            async with self._leased(effect, claimed):
                return Outcome(claimed.intent, result=await call(claimed.intent, self._kit))
        except Refuse as refused:
            return Outcome(claimed.intent, refused=str(refused) or "refused")
        except Retry as passing:
            EFFECTS.labels(effect.kind, "retried").inc()
            await self._put_back(claimed, passing, unknown=claimed.was_unknown)
        except Exception as failed:
            LOG.exception("effect with unknown outcome", extra={"kind": claimed.kind, "intent": claimed.intent.id})
            EFFECTS.labels(effect.kind, "unknown").inc()
            await self._put_back(claimed, failed, unknown=True)
        return None

    @asynccontextmanager
    async def _leased(self, effect: Effect, claimed: Claimed) -> AsyncIterator[None]:
        """Give a call the time of its lease, or its own, for which the lease is renewed."""
        keeper = asyncio.create_task(self._keep(effect, claimed)) if effect.longest_seconds else None
        try:
            async with asyncio.timeout(effect.longest_seconds or effect.lease_seconds * 0.8):
                yield
        finally:
            if keeper is not None:
                keeper.cancel()

    async def _keep(self, effect: Effect, claimed: Claimed) -> None:
        while True:
            await asyncio.sleep(effect.lease_seconds / 3)
            with suppress(*TRANSIENT):
                async with self._kit.pool.acquire() as connection:
                    await effects_sql.renew(connection, claimed, effect.lease_seconds)

    async def _settle_patiently(self, effect: Effect, claimed: Claimed, outcome: Outcome) -> None:
        """Write the outcome down however long the database is away: it is known now, and may not be again."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                await self._settle(effect, claimed, outcome)
            except TRANSIENT as passing:
                LOG.warning("outcome waits", extra={"intent": claimed.intent.id, "reason": repr(passing)})
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_SETTLE_PAUSE_SECONDS)
            except Exception as failed:
                LOG.exception("outcome not settled", extra={"kind": claimed.kind, "intent": claimed.intent.id})
                return await self._put_back(claimed, failed, unknown=True)
            else:
                EFFECTS.labels(effect.kind, "refused" if outcome.refused else "done").inc()
                return None

    async def _settle(self, effect: Effect, claimed: Claimed, outcome: Outcome) -> None:
        async with self._kit.writing() as connection:
            ended = "refused" if outcome.refused else "done"
            if not await effects_sql.end(connection, claimed, ended, outcome.refused):
                LOG.warning("the attempt is no longer ours", extra={"kind": claimed.kind, "intent": claimed.intent.id})
                return
            store = self._kit.store_in(connection, cause=claimed.cause)
            said = await effect.settle(claimed.intent, outcome, store)
            await conclude(connection, self._kit.speaker(store), store, said)
        self._kit.committed(store)

    async def _put_back(self, claimed: Claimed, failed: Exception, *, unknown: bool) -> None:
        asked = failed.after_seconds if isinstance(failed, Retry) else None
        usual = min(FIRST_PAUSE_SECONDS * 2 ** min(claimed.intent.attempt, 16), LONGEST_PAUSE_SECONDS)
        pause = usual if asked is None else asked
        LOG.warning(
            "effect tried again later",
            extra={"kind": claimed.kind, "intent": claimed.intent.id, "reason": repr(failed), "seconds": pause},
        )
        try:
            async with self._kit.pool.acquire() as connection:
                await effects_sql.put_back(connection, claimed, repr(failed), pause, unknown=unknown)
        except TRANSIENT:
            LOG.warning("the lease will run out instead", extra={"intent": claimed.intent.id})
