"""Eviction from the consumer group: a member that was blocked or met a late broker joins again, once."""

import asyncio
import gc
import time
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from libs.kit import consumer, health, metrics, run
from libs.kit.errors import RecordLossError
from tests.integration.kit.proxied import proxied
from tests.support import toy_service as toy
from tests.support.kit_environment import ask, until
from tests.support.proxy import DURING

#: The shortest that a broker accepts by default.
SESSION_SECONDS = 6
HEARTBEAT_SECONDS = 3


@pytest.fixture(autouse=True)
def watchful(monkeypatch):
    """Samples more often than usual, so that the tests are short."""
    monkeypatch.setattr(health, "SAMPLE_SECONDS", 0.2)


@pytest.fixture
def joins():
    return Count(metrics.GROUP_JOINS)


@pytest.fixture
def evictions():
    return Count(metrics.GROUP_EVICTIONS)


class Count:
    """How often a counter was increased since the start of the test."""

    def __init__(self, counter):
        self._counter = counter
        self._start = self._value()

    def _value(self):
        [metric] = self._counter.collect()
        return metric.samples[0].value

    def __call__(self):
        return self._value() - self._start


async def is_ready(kit):
    return (await ask(kit, "/health/ready")).is_success


async def evict(world, kit):
    """Join as the same static member: the broker forgets the service's."""
    async with AIOKafkaConsumer(
        *kit.service.topics,
        bootstrap_servers=world.kafka_url,
        group_id=kit.service.name.replace("_", "-"),
        group_instance_id=kit.replica,
        enable_auto_commit=False,
        session_timeout_ms=SESSION_SECONDS * 1000,
    ):
        pass


@asynccontextmanager
async def settled(world, joins, evictions, **knobs):
    """A service that has applied a record, with both counters at 0."""
    async with world.running(**knobs) as kit:
        await world.use(("first", 1))
        await world.has_applied(1)
        joins.__init__(metrics.GROUP_JOINS)
        evictions.__init__(metrics.GROUP_EVICTIONS)
        yield kit


class TestCommitOfOffsets:
    async def test_refused_commit_leaves_rejoin_to_heartbeat(self, world, joins, evictions, monkeypatch):
        """A refusal that reset the membership would end that of a member which has rejoined meanwhile."""
        monkeypatch.setattr(consumer, "WATCH_SECONDS", 0.2)
        async with proxied(world) as between, settled(world, joins, evictions, **between.urls) as kit:
            between.kafka.seen.clear()
            await evict(world, kit)
            await world.use(*[(f"d{n}", n) for n in range(20)])
            await world.has_applied(21)
            await until(lambda: joins() == 1, "the member is back")

        seen = between.kafka.seen
        before = seen[: seen.index("JoinGroup")]
        assert before.count("OffsetCommit") >= 2
        assert before.count("Heartbeat") >= 1
        assert seen.count("JoinGroup") == evictions() == 1

    async def test_skips_while_member_is_unknown_or_rebalancing(self, world, joins, evictions, monkeypatch):
        monkeypatch.setattr(consumer, "WATCH_SECONDS", 0.1)
        skipped = Count(metrics.OFFSET_COMMITS_SKIPPED)
        rejoins, gate = asyncio.Event(), asyncio.Event()

        async def hold():
            rejoins.set()
            await gate.wait()

        async with proxied(world) as between, settled(world, joins, evictions, **between.urls) as kit:
            between.kafka.trap("JoinGroup", DURING, hold)
            await evict(world, kit)
            await world.use(*[(f"d{n}", n) for n in range(20)])
            await rejoins.wait()
            between.kafka.seen.clear()
            await asyncio.sleep(1)
            assert "OffsetCommit" not in between.kafka.seen
            assert skipped() >= 1
            gate.set()
            await world.has_applied(21)
            await until(lambda: "OffsetCommit" in between.kafka.seen, "offsets are committed again")

    async def test_does_not_hold_up_watch_of_broker(self, world, monkeypatch):
        """Without a time limit, readiness would stay true while the broker does not answer."""
        monkeypatch.setattr(consumer, "WATCH_SECONDS", 0.3)
        async with proxied(world) as between, world.running(**between.urls) as kit:
            await world.use(("d", 1))
            await world.has_applied(1)
            hung = between.kafka.trap("OffsetCommit", DURING, between.kafka.hang)
            await world.use(("d", 2))
            await asyncio.wait_for(hung.sprung.wait(), 10)

            async def is_noticed():
                return "the broker does not answer" in (await ask(kit, "/health/ready")).text

            await until(is_noticed, "readiness names the broker", 10)
            between.kafka.heal()
            await until(lambda: is_ready(kit), "the broker answers again")
            await world.has_applied(2)


class TestEviction:
    async def test_blocked_loop_rejoins_once(self, world, joins, evictions):
        late = Count(metrics.LOOP_LATE_SECONDS)
        async with settled(world, joins, evictions) as kit:
            time.sleep(SESSION_SECONDS + 1)  # blocks the loop, as a call without await does
            await until(lambda: evictions() == 1, "the eviction is noticed", SESSION_SECONDS)
            await world.use(*[(f"d{n}", n) for n in range(20)])
            await world.has_applied(21, SESSION_SECONDS)
            await until(lambda: is_ready(kit), "the service is ready")

            assert (evictions(), joins()) == (1, 1)
            assert late() > SESSION_SECONDS - 1
            assert not kit.failed.done()

    async def test_late_broker_sees_one_rejoin(self, world, joins, evictions, monkeypatch):
        """Refusals of commits arrive while the member joins again, and after it."""
        monkeypatch.setattr(consumer, "WATCH_SECONDS", 0.5)
        async with proxied(world) as between, settled(world, joins, evictions, **between.urls) as kit:
            between.kafka.reply_delay = 1.5
            between.kafka.seen.clear()
            await evict(world, kit)
            await world.use(*[(f"d{n}", n) for n in range(20)])
            await until(lambda: joins() == 1, "the member is back", 3 * SESSION_SECONDS)
            await world.has_applied(21, 3 * SESSION_SECONDS)
            between.kafka.reply_delay = 0.0
            await until(lambda: is_ready(kit), "the service is ready")

        assert between.kafka.seen.count("JoinGroup") == joins() == evictions() == 1


class TestSameInstanceTwice:
    """A supervisor lost track of a process, or two replicas have one number: each would evict the other for ever."""

    async def test_older_process_ends_and_newer_stays_in_group(self, world, joins, evictions):
        async with AsyncExitStack() as older:
            first = await older.enter_async_context(world.running())
            async with world.running() as second:
                with pytest.raises(RecordLossError, match="a newer process runs as"):
                    await asyncio.wait_for(first.failed, 5)
                await older.aclose()
                await until(lambda: is_ready(second), "the newer process works")
                evictions.__init__(metrics.GROUP_EVICTIONS)
                await world.use(*[(f"d{n}", n) for n in range(20)])
                await world.has_applied(20)
                await asyncio.sleep(HEARTBEAT_SECONDS + 1)

                assert evictions() <= 1  # by the last heartbeat of the older one
                assert not second.failed.done()


class TestStop:
    async def test_leaves_group_although_batch_does_not_end(self, world, monkeypatch):
        """A consumer that stays in its group evicts the next process of its replica with every heartbeat."""
        monkeypatch.setattr(run, "STOP_SECONDS", 0.5)
        inside = asyncio.Event()

        async def on_usage(records, store):
            inside.set()
            await asyncio.Event().wait()

        async with world.running(world.service(consumes_in_batches={"usage": on_usage})):
            await world.use(("d", 1))
            await inside.wait()

        gc.collect()
        assert [name for name in map(repr, asyncio.all_tasks()) if "GroupCoordinator" in name] == []
        async with world.running(world.service(consumes_in_batches={"usage": toy.on_usage})):
            await world.has_applied(1)


class TestWatchdog:
    async def test_ends_process_outside_its_group(self, world, joins, evictions, monkeypatch):
        monkeypatch.setattr(run, "STOP_SECONDS", 0.5)
        monkeypatch.setattr(run, "LEAVE_SECONDS", 0.1)
        async with (
            proxied(world) as between,
            settled(world, joins, evictions, watchdog_seconds=2, **between.urls) as kit,
        ):
            between.kafka.trap("JoinGroup", DURING, asyncio.Event().wait)
            await evict(world, kit)
            with pytest.raises(RecordLossError, match="not in its group"):
                await asyncio.wait_for(kit.failed, 20)

    async def test_starts_again_when_first_join_is_not_answered(self, world, monkeypatch):
        monkeypatch.setattr(run, "LEAVE_SECONDS", 0.1)
        async with proxied(world) as between:
            lost = between.kafka.trap("JoinGroup", DURING, asyncio.Event().wait)
            async with world.running(watchdog_seconds=1, rebalance_timeout_ms=1500, **between.urls):
                assert lost.caught
                await world.use(("d", 1))
                await world.has_applied(1)

    async def test_ends_process_whose_reads_fail(self, world, monkeypatch):
        async def getmany(*_, **__):
            raise KafkaError("UnknownError()")

        async with world.running(watchdog_seconds=2) as kit:
            await until(lambda: is_ready(kit), "the service is ready")
            monkeypatch.setattr(AIOKafkaConsumer, "getmany", getmany)
            with pytest.raises(RecordLossError, match="every read fails"):
                await asyncio.wait_for(kit.failed, 20)

    async def test_ignores_time_while_process_was_stopped(self, world):
        async with world.running(watchdog_seconds=1) as kit:
            await until(lambda: is_ready(kit), "the service is ready")
            await world.use(("d", 1))
            time.sleep(3)  # as after SIGSTOP: no task runs
            await world.has_applied(1)
            await asyncio.sleep(0.5)

            assert not kit.failed.done()
