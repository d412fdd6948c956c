"""Temporary failures are retried in place; a failing record of a batch is isolated."""

import time

import asyncpg
import pytest

from libs.kit import RetryLaterError
from tests.support import toy_service as toy
from tests.support.kit_environment import until


class Mood:
    """A batch handler that fails as configured and records its batches."""

    def __init__(self, *failures):
        self.failures = list(failures)
        self.given, self.occurred_at = [], []

    async def on_usage(self, records, store):
        self.given.append([record.id for record in records])
        self.occurred_at.append(time.monotonic())
        said = await toy.on_usage(records, store)
        if self.failures:
            raise self.failures.pop(0)
        return said

    def service(self, world):
        return world.service(consumes_in_batches={"usage": self.on_usage})


class TestRetry:
    async def test_tries_the_same_batch_again_ever_more_rarely(self, world):
        mood = Mood(RetryLaterError("not now"), RetryLaterError("not now"), RetryLaterError("not now"))

        async with world.running(mood.service(world)):
            await world.use(("d", 1))
            await world.has_applied(1)

        assert mood.given == [["d-1"]] * 4
        pauses = [later - earlier for earlier, later in zip(mood.occurred_at, mood.occurred_at[1:], strict=False)]
        assert pauses[0] < pauses[1] < pauses[2]
        assert await world.applied() == {"d-1": 1}
        assert await world.value("SELECT (SELECT count(*) FROM deferred) + (SELECT count(*) FROM dead_letter)") == 0

    @pytest.mark.parametrize(
        "passing",
        [
            asyncpg.SerializationError("x"),
            asyncpg.DeadlockDetectedError("x"),
            asyncpg.LockNotAvailableError("x"),
            asyncpg.ReadOnlySQLTransactionError("x"),
            asyncpg.PostgresIOError("x"),
            ConnectionResetError("x"),
            TimeoutError("x"),
        ],
        ids=lambda passing: type(passing).__name__,
    )
    async def test_is_what_trouble_of_the_database_means(self, world, passing):
        mood = Mood(passing)
        await world.use(("d", 1), ("d", 2))

        async with world.running(mood.service(world)):
            await world.has_applied(2)

        assert mood.given == [["d-1", "d-2"]] * 2, "no culprit is looked for"
        assert await world.value("SELECT count(*) FROM deferred") == 0

    async def test_follows_a_session_that_was_ended_in_the_middle(self, world):
        """pg_terminate_backend of all sessions in a transaction."""
        ended = []

        async def on_usage(records, store):
            said = await toy.on_usage(records, store)
            if len(ended) < 3:
                ended.append(await store.connection.fetchval("SELECT pg_backend_pid()"))
                await world.change("SELECT pg_terminate_backend($1)", ended[-1])
            return said

        async with world.running(world.service(consumes_in_batches={"usage": on_usage})):
            await world.use(("d", 1), ("d", 2))
            await world.has_applied(2)
            await world.has_published()

        assert len(set(ended)) == 3
        assert set((await world.applied()).values()) == {1}
        assert len(await world.log("slots")) == 2


class TestASpoiledBatch:
    async def test_is_tried_record_by_record(self, world):
        mood = Mood(ValueError("a customer in here"))
        await world.use(("d", 1), ("d", 2), ("d", 3))

        async with world.running(mood.service(world)):
            await world.has_applied(3)

        assert mood.given == [["d-1", "d-2", "d-3"], ["d-1"], ["d-2"], ["d-3"]]
        assert set((await world.applied()).values()) == {1}

    async def test_leaves_nothing_of_what_it_wrote_or_said(self, world):
        async def on_usage(records, store):
            said = await toy.on_usage(records, store)
            store.add_task("mail", "m", {})
            if any(record.key == "bad" for record in records):
                raise ValueError("after everything was written")
            return said

        await world.use(("d", 1), ("bad", 1))
        async with world.running(world.service(consumes_in_batches={"usage": on_usage})):
            await until(lambda: world.value("SELECT count(*) = 1 FROM deferred"), "the bad one is held")
            await world.has_published()

        assert await world.applied() == {"d-1": 1}
        assert len(await world.log("slots")) == 1
        assert await world.value("SELECT count(*) FROM task") == 1
