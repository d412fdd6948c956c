"""Readiness, metrics and watchdog."""

import asyncio

import pytest

from libs.kit import NotReadyError, consumer, health, relay
from libs.kit.checkpoint_consumer import CheckpointConsumer
from libs.kit.errors import RecordLossError
from libs.kit.health import Health
from libs.kit.http.app import build_app
from libs.kit.relay import SentBatch
from tests.integration.kit.proxied import proxied
from tests.support import kit_events as a
from tests.support import toy_service as toy
from tests.support.kit_environment import ask, status, until


@pytest.fixture(autouse=True)
def watchful(monkeypatch):
    """Samples more often than usual, so that the tests are short."""
    monkeypatch.setattr(health, "SAMPLE_SECONDS", 0.2)


async def ready(kit):
    answer = await ask(kit, "/health/ready")
    return answer.json()["why_not"] or "ready"


async def says(kit, words, seconds=20):
    async def said():
        return words in await ready(kit)

    await until(said, f"readiness says {words!r}", seconds)


class TestReadiness:
    async def test_is_not_there_while_nothing_is_assigned(self, world):
        inside, gate = asyncio.Event(), asyncio.Event()

        async def on_usage(records, store):
            inside.set()
            await gate.wait()
            return await toy.on_usage(records, store)

        async with world.running(world.service(consumes_in_batches={"usage": on_usage})) as first:
            await says(first, "ready")
            await world.use(*[(f"d{n}", n) for n in range(40)])
            await inside.wait()
            entering = asyncio.create_task(anext(one_more(world)))
            await says(first, "no partitions are assigned yet")
            gate.set()
            second = await entering
            await says(first, "ready")
            await says(second, "ready")
            assert len((await status(first))["assigned"]) == len((await status(second))["assigned"]) == 12

    async def test_ends_when_broker_or_database_are_away_and_comes_back(self, world, monkeypatch):
        monkeypatch.setattr(consumer, "WATCH_SECONDS", 0.5)
        async with proxied(world) as between, world.running(**between.urls) as kit:
            await says(kit, "ready")
            between.kafka.cut()
            await says(kit, "the broker does not answer")
            between.kafka.heal()
            await says(kit, "ready")

            between.postgres.cut()
            await says(kit, "the database does not answer")
            between.postgres.heal()
            await says(kit, "ready")
            await world.use(("d", 1))
            await world.has_applied(1)

    async def test_names_what_is_missing_before_the_kit_is_open(self, world):
        class NotStarted:
            app = build_app("toy", None, Health())

        assert (await ask(NotStarted, "/health/ready")).status_code == 503
        assert (await ask(NotStarted, "/health/live")).status_code == 200


class TestLag:
    async def test_counts_what_was_not_read_yet(self, world):
        """Before the first fetch aiokafka has no high watermark, and a sum of unknowns would be zero."""
        await world.use(*[("d", n) for n in range(50)])
        gate = asyncio.Event()

        async def on_usage(records, store):
            await gate.wait()
            return await toy.on_usage(records, store)

        async with world.running(world.service(consumes_in_batches={"usage": on_usage}), batch_records=10) as kit:
            seen = set()
            while (await status(kit))["ready"] is False:
                await asyncio.sleep(0.01)
            for _ in range(50):
                seen.add((await status(kit))["lag"])
                await asyncio.sleep(0.01)
            assert seen == {50}
            gate.set()
            await until(lambda: has_lag(kit, 0), "everything is applied")


class TestTheBudget:
    async def test_stops_the_reading_and_not_the_repair(self, world):
        healed = set()

        async def on_device_registered(event, store):
            if event.customer_id not in healed:
                raise NotReadyError("device:x")
            return await toy.on_device_registered(event, store)

        service = world.service(consumes={type(a.device_registered("x")): on_device_registered})
        async with world.running(service, failure_budget=4) as kit:
            await world.say(*[a.device_registered(f"c{n}") for n in range(5)])
            await says(kit, "5 dead letters and deferred records")
            await world.use(("d", 1))
            await world.say(a.device_registered("d"))
            healed |= {f"c{n}" for n in range(5)} | {"d"}
            assert await world.value("SELECT count(*) FROM applied") == 0

            await world.change("UPDATE deferred SET retry_at = now()")
            await says(kit, "ready")
            await world.has_applied(7)


class TestTheWatchdog:
    async def test_bites_when_a_handler_never_returns(self, world):
        async def on_usage(records, store):
            await asyncio.Event().wait()

        async with world.running(world.service(consumes_in_batches={"usage": on_usage}), watchdog_seconds=1) as kit:
            await world.use(("d", 1))
            with pytest.raises(RecordLossError, match="consumer is stuck"):
                await asyncio.wait_for(kit.failed, 15)

    async def test_bites_when_nobody_polls(self, world, monkeypatch):
        async def never(_consumer, _most, _wait_ms):
            await asyncio.Event().wait()

        async with world.running(watchdog_seconds=2) as kit:
            await says(kit, "ready")
            monkeypatch.setattr(CheckpointConsumer, "read", never)
            with pytest.raises(RecordLossError, match="stopped polling"):
                await asyncio.wait_for(kit.failed, 15)

    async def test_bites_when_the_fetcher_died(self, world):
        """aiokafka reports nothing: getmany keeps returning empty results (aiokafka#1154)."""
        before = asyncio.all_tasks()
        async with world.running(watchdog_seconds=2) as kit:
            await says(kit, "ready")
            running("_fetch_requests_routine", since=before).cancel()
            for n in range(10):  # a fetch that was under way may still bring the first
                await world.use(("d", n))
                await asyncio.sleep(0.1)
            with pytest.raises(RecordLossError, match="nothing is fetched"):
                await asyncio.wait_for(kit.failed, 30)

    async def test_bites_when_the_producer_is_wedged(self, world, monkeypatch):
        async def never(producer, place, run):
            return SentBatch(place, run[-1].sequence, asyncio.get_running_loop().create_future())

        monkeypatch.setattr(relay, "send", never)
        async with world.running(watchdog_seconds=1) as kit:
            await world.use(("d", 1))
            with pytest.raises(RecordLossError, match="relay is stuck"):
                await asyncio.wait_for(kit.failed, 15)

    async def test_does_not_bite_who_was_only_idle(self, world):
        inside, gate = asyncio.Event(), asyncio.Event()

        async def on_usage(records, store):
            inside.set()
            await gate.wait()
            return await toy.on_usage(records, store)

        async with world.running(world.service(consumes_in_batches={"usage": on_usage}), watchdog_seconds=2) as kit:
            await says(kit, "ready")
            await asyncio.sleep(2.5)  # idle for longer than the watchdog waits
            await world.use(("d", 1))
            await inside.wait()
            await asyncio.sleep(1)  # longer than between two looks of the watchdog
            assert not kit.failed.done()
            gate.set()
            await world.has_applied(1)

    async def test_does_not_bite_who_waits_for_database_or_broker(self, world, monkeypatch):
        monkeypatch.setattr(consumer, "WATCH_SECONDS", 0.5)
        async with proxied(world) as between, world.running(watchdog_seconds=2, **between.urls) as kit:
            await says(kit, "ready")
            for away in (between.postgres, between.kafka):
                away.cut()
                await world.use(("d", 1))
                await asyncio.sleep(3)  # longer than the watchdog waits
                away.heal()
                await says(kit, "ready", seconds=30)
            await world.has_applied(2)
            assert not kit.failed.done()


def running(routine, since):
    """Return the one task of the routine that is new: other tests' clients live in this loop, too."""
    [task] = [task for task in asyncio.all_tasks() - since if routine in repr(task.get_coro())]
    return task


async def has_lag(kit, lag):
    return (await status(kit))["lag"] == lag


async def one_more(world):
    async with world.running(instance=1) as kit:
        yield kit
