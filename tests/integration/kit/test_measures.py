"""Metrics counted in transactions, and measures read from tables."""

import itertools

import pytest
from prometheus_client import REGISTRY, Counter

from libs.kit import Measure, health
from tests.support import kit_events as a
from tests.support.kit_environment import ask, until

_numbers = itertools.count(1)


@pytest.fixture
def counter():
    return Counter(f"toy_things_{next(_numbers)}", "Things that a test counts")


def value(counter):
    return counter._value.get()


async def count_and_fail(kit, counter):
    async with kit.transaction() as tx:
        tx.store.count(counter)
        raise ZeroDivisionError


class TestACount:
    async def test_goes_up_with_the_commit_and_not_before(self, world, counter):
        async with world.running() as kit:
            async with kit.transaction() as tx:
                tx.store.count(counter, 2)
                before = value(counter)
            with pytest.raises(ZeroDivisionError):
                await count_and_fail(kit, counter)

        assert (before, value(counter)) == (0, 2)

    async def test_of_a_batch_that_is_done_again_one_by_one_goes_up_once(self, world, counter):
        async def on_usage(records, store):
            store.count(counter, len(records))
            if any(record.data.device_id == "bad" for record in records):
                raise ValueError("spoiled")
            return []

        await world.use(("d1", 1), ("bad", 1), ("d1", 2))
        async with world.running(world.service(consumes_in_batches={"usage": on_usage})):
            await until(lambda: value(counter) == 2, "both good records were applied")


class TestAMeasure:
    async def test_is_taken_of_the_tables_and_shown(self, world, monkeypatch):
        monkeypatch.setattr(health, "SAMPLE_SECONDS", 0.1)
        monkeypatch.setattr(health, "MEASURE_SECONDS", 0.1)
        name = f"toy_applied_{next(_numbers)}"

        async def count_applied(store):
            return await store.connection.fetchval("SELECT count(*) FROM applied")

        measure = Measure(name, "Rows there are", count_applied)
        async with world.running(world.service(measures=(measure,))) as kit:
            await world.say(a.device_registered("ann"))
            await until(lambda: REGISTRY.get_sample_value(name) == 1, "the row was counted")

            assert f"{name} 1.0" in (await ask(kit, "/metrics")).text

    async def test_shows_0_for_a_word_that_is_gone(self):
        name, readings = f"toy_states_{next(_numbers)}", iter([{"low": 2, "new": 1}, {"new": 3}])

        async def read(_):
            return next(readings)

        measure = Measure(name, "Things by state", read, label="state")
        await measure.take(None)
        await measure.take(None)

        assert [REGISTRY.get_sample_value(name, {"state": word}) for word in ("low", "new")] == [0, 3]
