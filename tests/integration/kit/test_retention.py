"""Retention of published events, responses and completed tasks; pending ones are kept."""

import pytest
from asyncpg.exceptions import LockNotAvailableError

from libs.kit import health, relay
from tests.support import kit_events as a
from tests.support.kit_environment import until


@pytest.fixture
def soon(monkeypatch):
    """Clean at every sample instead of once a minute."""
    monkeypatch.setattr(relay, "CLEAN_SECONDS", 0.0)
    monkeypatch.setattr(health, "CLEAN_SECONDS", 0.0)


class TestOutbox:
    async def test_forgets_what_was_published_long_ago(self, world, soon):
        async with world.running(outbox_keep_seconds=60) as kit:
            await self.say(kit, "old")
            await world.has_published()
            await world.change("UPDATE outbox SET created_at = now() - interval '61 seconds'")
            await self.say(kit, "new")
            await until(lambda: world.value("SELECT count(*) = 1 FROM outbox"), "the old one is gone")

        assert [record.key for record in await world.log("slots")] == [b"old", b"new"]

    async def test_keeps_what_is_not_published_however_old(self, world, soon, monkeypatch):
        async def nothing(_connection, _limit):
            return []

        async with world.running(outbox_keep_seconds=60) as kit:
            await self.say(kit, "published")
            await world.has_published()
            with monkeypatch.context() as patch:
                patch.setattr(relay.outbox, "list_unsent", nothing)
                await self.say(kit, "unsent")
                await world.change("UPDATE outbox SET created_at = now() - interval '61 seconds'")
                await until(lambda: world.value("SELECT count(*) < 2 FROM outbox"), "it is cleaned")
                left = await world.value("SELECT convert_from(key, 'UTF8') FROM outbox")
            await self.say(kit, "last")
            await world.has_published()

        assert left == "unsent"
        assert sorted(record.key for record in await world.log("slots")) == [b"last", b"published", b"unsent"]

    async def say(self, kit, device):
        async with kit.transaction() as transaction:
            transaction.publish(a.slot_filled(device))


async def test_answers_are_forgotten_after_their_hours(world, soon):
    for key, hours in (("old", 3), ("new", 1)):
        await world.change(
            """INSERT INTO idempotency (principal, path, key, digest, status, body, kept_at)
            VALUES ('ann', '/', $1, '', 200, '{}', now() - make_interval(hours => $2))""",
            key,
            hours,
        )

    async with world.running(idempotency_keep_hours=2):
        await until(lambda: world.value("SELECT count(*) = 1 FROM idempotency"), "the old answer is gone")

    assert await world.value("SELECT key FROM idempotency") == "new"


async def test_ended_effects_are_forgotten_and_open_ones_are_not(world, soon):
    for state in ("due", "unknown", "done", "refused"):
        await world.change(
            """INSERT INTO task (kind, id, payload, due_at, state, retry_at, completed_at)
            VALUES ('mail', $1, '{}', now(), $1::text, now() + interval '1 hour', now() - interval '31 days')""",
            state,
        )

    async with world.running():
        await until(lambda: world.value("SELECT count(*) = 2 FROM task"), "the ended ones are gone")

    assert {row["state"] for row in await world.rows("SELECT state FROM task")} == {"due", "unknown"}


async def test_nobody_waits_for_a_lock_without_end(world):
    async with world.running(lock_timeout_ms=100) as kit, kit.writing() as first:
        await first.execute("LOCK TABLE applied")

        async with kit.pool.acquire() as second, second.transaction():
            with pytest.raises(LockNotAvailableError):
                await second.execute("LOCK TABLE applied")
