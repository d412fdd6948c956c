"""Tasks: performed once unless the outcome is ambiguous, which stays visible."""

import asyncio

import asyncpg
import pytest

from libs.kit import RejectedError, RetryLaterError, TaskKind
from libs.kit.clock import SteppedClock
from tests.support import kit_events as a
from tests.support.kit_environment import status, until

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Outside:
    """An outside system that records its calls and responds as configured."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.called, self.reconciled, self.settled = [], [], []
        self.settling = []

    async def perform(self, task, kit):
        self.called.append((task.id, task.attempt))
        answer = self.answers.pop(0) if self.answers else {"done": task.id}
        if isinstance(answer, Exception):
            raise answer
        return await answer(task) if callable(answer) else answer

    async def reconcile(self, task, kit):
        self.reconciled.append((task.id, task.attempt))
        return {"found": task.id}

    async def settle(self, task, outcome, store):
        if self.settling:
            raise self.settling.pop(0)
        self.settled.append((task.id, outcome.result or outcome.refused))
        await store.note("outside", task.id, task.id)
        return [a.slot_filled(task.id)]

    def service(self, world, *, reconciles=False, lease_seconds=30.0, longest_seconds=None):
        reconcile = self.reconcile if reconciles else None
        kind = TaskKind("mail", self.perform, self.settle, reconcile, lease_seconds, longest_seconds)
        return world.service(consumes={}, consumes_in_batches={}, tasks=(kind,))


async def intend(kit, *ids, **more):
    async with kit.transaction() as transaction:
        for task_id in ids:
            transaction.store.add_task("mail", task_id, {"to": task_id}, **more)


async def reached(world, state, count=1):
    sql = "SELECT count(*) = $2 FROM task WHERE state = $1"
    await until(lambda: world.value(sql, state, count), f"{count} intents are {state}")


async def claimed_by_the_dead(world, *ids):
    """The state left by a process that was killed between the call and recording its outcome."""
    await world.change(
        """INSERT INTO task (kind, id, payload, due_at, state, attempt, attempt_id, lease_until)
        SELECT 'mail', id, '{}', now(), 'claimed', 1, gen_random_uuid(), now() - interval '1 second'
        FROM unnest($1::text[]) AS id""",
        list(ids),
    )


class TestAnEffect:
    async def test_happens_once_across_replicas(self, world):
        outside = Outside()
        service = outside.service(world)
        async with world.running(service) as kit, world.running(service, instance=1):
            await intend(kit, *[f"m{n}" for n in range(50)])
            await intend(kit, "m7")
            await reached(world, "done", 50)
            await world.has_published()

        assert sorted(outside.called) == sorted((f"m{n}", 1) for n in range(50))
        assert len(await world.log("slots")) == 50

    async def test_happens_outside_any_transaction(self, world):
        sql = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' AND application_name = $1"

        async def looks(task):
            async def none_is_open():
                return await world.value(sql, f"{world.name}-0") == 0

            await until(none_is_open, "no transaction stays open while the call lasts", seconds=5)
            return {"open": 0}

        outside = Outside(looks)
        async with world.running(outside.service(world)) as kit:
            await intend(kit, "m")
            await reached(world, "done")

        assert outside.settled == [("m", {"open": 0})]

    async def test_is_due_by_the_service_clock(self, world, tmp_path):
        clock = SteppedClock.create(tmp_path / "clock", a.AT)
        outside = Outside()
        async with world.running(outside.service(world), clock_file=tmp_path / "clock") as kit:
            await intend(kit, "later", due_at=a.AT.replace(month=2))
            await intend(kit, "now")
            await reached(world, "done", 1)
            clock.step_to(a.AT.replace(month=2))
            await reached(world, "done", 2)

        assert [called for called, _ in outside.called] == ["now", "later"]

    async def test_is_tried_again_when_it_says_so(self, world):
        outside = Outside(RetryLaterError("not now"), RetryLaterError("not now"))
        async with world.running(outside.service(world)) as kit:
            await intend(kit, "m")
            await reached(world, "done")

        assert outside.called == [("m", 1), ("m", 2), ("m", 3)]
        assert outside.settled == [("m", {"done": "m"})]

    async def test_that_is_refused_is_settled_as_refused(self, world):
        outside = Outside(RejectedError("no such address"))
        async with world.running(outside.service(world)) as kit:
            await intend(kit, "m")
            await reached(world, "refused")

        assert outside.settled == [("m", "no such address")]
        assert await world.value("SELECT reason FROM task") == "no such address"

    async def test_that_is_slow_holds_no_other_up(self, world):
        gate = asyncio.Event()

        async def slow(task):
            await gate.wait()
            return {}

        outside = Outside(slow)
        async with world.running(outside.service(world)) as kit:
            await intend(kit, "slow")
            await until(lambda: outside.called, "the slow one is called")
            await intend(kit, *[f"m{n}" for n in range(20)])
            await reached(world, "done", 20)
            gate.set()
            await reached(world, "done", 21)

    async def test_may_take_longer_than_its_lease_if_it_says_so(self, world):
        async def slow(task):
            await asyncio.sleep(1.5)
            return {}

        outside = Outside(slow)
        service = outside.service(world, reconciles=True, lease_seconds=0.6, longest_seconds=20)
        async with world.running(service) as kit, world.running(service, instance=1):
            await intend(kit, "m")
            await reached(world, "done")

        assert (outside.called, outside.reconciled) == ([("m", 1)], [])


class TestAnOutcomeThatIsKnown:
    @pytest.mark.parametrize("answer", [{"sent": True}, RejectedError("no")], ids=["done", "refused"])
    async def test_survives_trouble_of_the_database(self, world, answer):
        outside = Outside(answer)
        outside.settling = [asyncpg.DeadlockDetectedError("x"), ConnectionResetError("x")]
        async with world.running(outside.service(world)) as kit:
            await intend(kit, "m")
            await until(lambda: outside.settled, "it is settled")
            await until(lambda: world.value("SELECT completed_at FROM task"), "and written down")
            assert not kit.failed.done()

        assert outside.called == [("m", 1)]

    async def test_survives_trouble_that_lasts_longer_than_the_lease(self, world):
        outside = Outside()
        outside.settling = [ConnectionResetError("x"), ConnectionResetError("x"), ConnectionResetError("x")]
        async with world.running(outside.service(world, reconciles=True, lease_seconds=0.6)) as kit:
            await intend(kit, "m")
            await until(lambda: outside.settled or outside.reconciled, "it is settled")
            await reached(world, "done")

        assert (outside.called, outside.reconciled, outside.settled) == ([("m", 1)], [], [("m", {"done": "m"})])

    async def test_of_refused_words_that_cannot_be_kept_is_written_down_all_the_same(self, world):
        outside = Outside(RejectedError("no\x00such"))
        async with world.running(outside.service(world)) as kit:
            await intend(kit, "m")
            await reached(world, "refused")

        assert len(outside.called) == 1

    async def test_that_cannot_be_settled_stays_visible(self, world):
        outside = Outside()
        outside.settling = [ValueError("a bug"), RejectedError("not a word about the effect")]
        async with world.running(outside.service(world)) as kit:
            await intend(kit, "m")
            await reached(world, "unknown")
            assert not kit.failed.done()

        assert "a bug" in await world.value("SELECT reason FROM task")

    async def test_is_not_written_by_an_attempt_that_lost_its_claim(self, world):
        """A process frozen for longer than its lease; another attempt owns the task."""

        async def loses(task):
            await world.change("UPDATE task SET attempt_id = gen_random_uuid(), attempt = 2")
            return {"late": True}

        outside = Outside(loses)
        async with world.running(outside.service(world)) as kit:
            await intend(kit, "m")
            await until(lambda: outside.called, "it is called")

        assert outside.settled == []
        assert await world.value("SELECT state FROM task") == "claimed"
        assert await world.value("SELECT count(*) FROM applied") == 0


class TestAnOutcomeNobodyKnows:
    async def test_is_asked_for_and_never_caused_again(self, world):
        outside = Outside()
        await claimed_by_the_dead(world, "m")
        async with world.running(outside.service(world, reconciles=True)):
            await reached(world, "done")

        assert outside.called == []
        assert outside.reconciled == [("m", 2)]
        assert outside.settled == [("m", {"found": "m"})]

    async def test_waits_for_a_person_where_nobody_can_be_asked(self, world):
        outside = Outside()
        await claimed_by_the_dead(world, "m")
        async with world.running(outside.service(world)) as kit:
            await reached(world, "unknown")
            await intend(kit, "other")
            await reached(world, "done")
            await until(lambda: shows_unknown(kit), "the status shows it")

        assert outside.called == [("other", 1)]

    @pytest.mark.parametrize("reconciles", [True, False])
    async def test_is_what_any_unforeseen_failure_leaves(self, world, reconciles):
        outside = Outside(ConnectionResetError("after the request was sent"))
        async with world.running(outside.service(world, reconciles=reconciles)) as kit:
            await intend(kit, "m")
            await reached(world, "done" if reconciles else "unknown")

        assert outside.called == [("m", 1)]
        assert outside.reconciled == ([("m", 2)] if reconciles else [])

    async def test_is_what_silence_leaves(self, world):
        async def silent(task):
            await asyncio.Event().wait()

        outside = Outside(silent)
        async with world.running(outside.service(world, lease_seconds=0.5)) as kit:
            await intend(kit, "m")
            await reached(world, "unknown")

        assert outside.called == [("m", 1)]


class TestTheIntent:
    async def test_carries_cause_and_trace_to_what_comes_of_it(self, world):
        async def on_device_registered(event, store):
            store.add_task("mail", "m", {})
            return []

        outside = Outside()
        heard = {type(a.device_registered("x")): on_device_registered}
        service = world.service(consumes=heard, consumes_in_batches={}, tasks=outside.service(world).tasks)
        async with world.running(service):
            await world.say(a.device_registered("ann"), traceparent=TRACE)
            await reached(world, "done")
            await world.has_published()

        (told,) = await world.said("slots")
        assert told["cause"] == "accounts-1-ann"
        assert told["traceparent"].split("-")[1] == TRACE.split("-")[1]


async def shows_unknown(kit):
    return (await status(kit)).get("unknown") == 1
