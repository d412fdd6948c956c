"""Deferred records: order per key, replay after a dependency appears or on an operator's retry."""

import asyncio

import pytest

from libs.kit import NotReadyError, RejectedError, dead_letters, deferred
from replenish_contracts.events import DeviceRegistered
from tests.support import kit_events as a
from tests.support import toy_service as toy
from tests.support.kit_environment import until


class Devices:
    """Which devices this toy knows, and how its handlers behave."""

    def __init__(self):
        self.known, self.refused, self.broken = set(), set(), set()

    async def on_usage(self, records, store):
        fine = []
        for record in records:
            if record.key in self.broken:
                raise ValueError(f"{record.key} is broken")
            if record.key.startswith("late") and record.key not in self.known:
                store.defer(record, NotReadyError(f"device:{record.key}"))
            elif record.id in self.refused:
                store.reject(record, "refused")
            else:
                fine.append(record)
        return await toy.on_usage(fine, store)

    async def on_device_registered(self, event, store):
        if event.model == "waits" and event.device_id not in self.known:
            raise NotReadyError(f"device:{event.device_id}")
        if event.device_id in self.refused:
            raise RejectedError("not this one")
        if event.device_id in self.broken:
            raise ValueError("broken")
        await store.note("accounts", store.cause, event.customer_id)
        self.known.add(event.device_id)
        store.resolve_dependency(f"device:{event.device_id}")
        return []

    def service(self, world):
        return world.service(
            consumes={DeviceRegistered: self.on_device_registered}, consumes_in_batches={"usage": self.on_usage}
        )


@pytest.fixture
def devices():
    return Devices()


async def are_held(world, count):
    await until(lambda: holds(world, count), f"{count} records are held")


async def holds(world, count):
    return await world.value("SELECT count(*) FROM deferred") == count


async def order(world, subject):
    return [row["id"] for row in await world.rows("SELECT id FROM applied WHERE subject = $1 ORDER BY n", subject)]


async def retry_first(kit):
    """What `replenish dead-letters retry` does."""
    async with kit.pool.acquire() as connection:
        await deferred.retry_deferred(connection, [await connection.fetchval("SELECT min(deferred_id) FROM deferred")])


class TestPatience:
    async def test_with_a_record_from_outside_ends_and_those_behind_it_go_on(self, world, devices, monkeypatch):
        monkeypatch.setattr(deferred, "FIRST_RETRY_SECONDS", 0.1)
        async with world.running(devices.service(world), dependency_wait_hours=2 / 3600):
            await world.use(("late", 1))
            await are_held(world, 1)
            await until(lambda: world.value("SELECT count(*) = 1 FROM dead_letter"), "its time is over")
            devices.known.add("late")
            await world.use(("late", 2))
            await world.has_applied(1)

        assert await order(world, "late") == ["late-2"]
        assert (
            await world.value("SELECT reason FROM dead_letter") == "device:late did not appear within 0.000555556 hours"
        )

    async def test_with_our_own_record_has_no_end(self, world, devices, monkeypatch):
        monkeypatch.setattr(deferred, "FIRST_RETRY_SECONDS", 0.1)
        async with world.running(devices.service(world), dependency_wait_hours=0.1 / 3600):
            await world.say(a.device_registered("ann", "slow", model="waits"))
            await until(
                lambda: world.value("SELECT count(*) = 1 FROM deferred WHERE attempts > 2"), "it is tried again"
            )

        assert await world.value("SELECT count(*) FROM dead_letter") == 0


class TestWaiting:
    async def test_ends_in_order_when_what_was_missing_appears(self, world, devices):
        async with world.running(devices.service(world)):
            await world.use(("late", 1), ("late", 2), ("other", 1))
            await are_held(world, 2)
            await world.use(("late", 3), ("other", 2))
            await are_held(world, 3)
            assert await order(world, "other") == ["other-1", "other-2"]

            await world.say(a.device_registered("ann", "late"))
            await are_held(world, 0)
            await world.use(("late", 4))
            await world.has_applied(7)

        assert await order(world, "late") == ["late-1", "late-2", "late-3", "late-4"]
        assert set((await world.applied()).values()) == {1}

    async def test_survives_a_restart(self, world, devices):
        async with world.running(devices.service(world)):
            await world.use(("late", 1))
            await are_held(world, 1)

        async with world.running(devices.service(world)):
            await world.say(a.device_registered("ann", "late"))
            await are_held(world, 0)

        assert await order(world, "late") == ["late-1"]

    async def test_ends_although_the_appearance_was_missed(self, world, devices):
        """It appears in a transaction that cannot see the waiting record, which is committed a moment later."""
        deciding, gate = asyncio.Event(), asyncio.Event()

        async def on_usage(records, store):
            said = await devices.on_usage(records, store)
            if store.set_aside and not gate.is_set():
                deciding.set()
                await gate.wait()
            return said

        async with world.running(world.service(consumes_in_batches={"usage": on_usage})) as kit:
            await world.use(("late", 1))
            await deciding.wait()
            async with kit.transaction() as transaction:
                devices.known.add("late")
                transaction.store.resolve_dependency("device:late")
            gate.set()
            await world.has_applied(1)

        assert await order(world, "late") == ["late-1"]

    async def test_ends_for_those_behind_when_the_first_is_refused(self, world, devices):
        """The first is deferred, then becomes a dead letter: the later ones wait for no dependency."""
        async with world.running(devices.service(world)):
            await world.say(a.device_registered("ann", "first", model="waits"), a.device_registered("ann", "second"))
            await are_held(world, 2)
            devices.known.add("first")
            devices.refused.add("first")
            await world.say(a.device_registered("bob", "unrelated"))
            await world.change("UPDATE deferred SET retry_at = now() WHERE waits_for IS NOT NULL")

            await are_held(world, 0)

        assert await world.value("SELECT reason FROM dead_letter") == "not this one"
        assert await order(world, "ann") == ["accounts-2-ann"]

    async def test_of_single_events_spoils_nobody_elses(self, world, devices):
        async with world.running(devices.service(world)):
            await world.say(a.device_registered("ann", "x", model="waits"), a.device_registered("bob"))
            await are_held(world, 1)
            await world.has_applied(1)

        assert await order(world, "bob") == ["accounts-1-bob"]


class TestAFailingHandler:
    async def test_holds_only_its_key_until_an_operator_retries(self, world, devices):
        devices.broken = {"bad"}
        async with world.running(devices.service(world)) as kit:
            await world.use(("good", 1), ("bad", 1), ("good", 2), ("bad", 2))
            await are_held(world, 2)
            await world.use(("bad", 3), ("good", 3))
            await are_held(world, 3)
            assert await order(world, "good") == ["good-1", "good-2", "good-3"]
            reasons = [row["reason"] for row in await world.rows("SELECT reason FROM deferred ORDER BY deferred_id")]
            assert reasons == ["ValueError: bad is broken", deferred.BEHIND, deferred.BEHIND]

            await retry_first(kit)  # nothing was mended: it fails again and stays first
            await until(
                lambda: world.value("SELECT attempts FROM deferred ORDER BY deferred_id LIMIT 1"), "it was tried"
            )
            assert await holds(world, 3)
            devices.broken = set()
            await retry_first(kit)
            await are_held(world, 0)

        assert await order(world, "bad") == ["bad-1", "bad-2", "bad-3"]

    async def test_with_a_value_no_column_can_hold_blocks_nobody(self, world, devices):
        """asyncpg rejects the value itself, which must not count as a connection error."""

        async def on_usage(records, store):
            for record in records:
                if record.key == "huge":
                    await store.add("huge", 2**70)
            return await toy.on_usage(records, store)

        async with world.running(world.service(consumes_in_batches={"usage": on_usage})):
            await world.use(("good", 1), ("huge", 1), ("good", 2))
            await are_held(world, 1)
            await world.has_applied(2)

        assert "int64" in await world.value("SELECT reason FROM deferred")

    async def test_parks_what_it_refuses_in_the_transaction_that_moves_the_checkpoint(self, world, devices):
        devices.refused = {"no"}
        async with world.running(devices.service(world)):
            await world.say(a.device_registered("ann", "no"), a.device_registered("ann", "yes"))
            await world.has_applied(1)
            place = await world.rows('SELECT topic, partition, "offset" FROM dead_letter')

        assert await world.value("SELECT reason FROM dead_letter") == "not this one"
        checkpoint = await world.rows(
            "SELECT next_offset FROM checkpoint WHERE topic = $1 AND partition = $2", *place[0][:2]
        )
        assert checkpoint[0][0] == place[0]["offset"] + 2

    async def test_is_given_parked_records_again_when_an_operator_says_so(self, world, devices):
        devices.refused = {"d-1"}
        async with world.running(devices.service(world)) as kit:
            await world.use(("d", 1), ("d", 2))
            await world.has_applied(1)
            devices.refused = set()
            async with kit.pool.acquire() as connection:
                ids = [row[0] for row in await connection.fetch("SELECT dead_letter_id FROM dead_letter")]
                assert await dead_letters.retry_dead_letters(connection, ids) == 1
                assert await dead_letters.retry_dead_letters(connection, ids) == 0
            await world.has_applied(2)

        assert set((await world.applied()).values()) == {1}
        assert await world.value("SELECT count(*) FROM dead_letter") == 0
