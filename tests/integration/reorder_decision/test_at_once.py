"""Two replicas whose batches touch the same pools in opposite order: both come through, and neither has to try again."""

import asyncio
import itertools
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from libs.kit.batch import BatchProcessor
from libs.kit.checkpoints import create_checkpoints
from libs.kit.kit import Kit
from libs.kit.metrics import BATCHES_RETRIED
from libs.kit.records import KEY_FIELDS, Record
from libs.kit.testing import prepare, settings_for
from replenish_contracts import wire
from services.reorder_decision.api.subscriptions import _apply
from services.reorder_decision.domain import Situation
from services.reorder_decision.service import SERVICE
from tests.integration.reorder_decision import events
from tests.support import decisions as a
from tests.support.decision_environment import of
from tests.support.portal_server import until

FAMILIES = ("ann", "bob", "cleo", "dan")
LOCKS = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()"
_numbers = itertools.count(1)


def record(event, partition):
    number = next(_numbers)
    said = wire.decoder(event.topic)(wire.encode(event, id=f"e{number}", source="/test", time=a.NOON))
    key = getattr(event, KEY_FIELDS[said.type])
    return Record(said.data, said.type, said.id, said.time, key, event.topic, partition, number, b"")


@asynccontextmanager
async def replica(database):
    kit = await Kit.open(SERVICE, settings_for(SERVICE, database))
    try:
        yield kit
    finally:
        await kit.close()


@pytest.fixture
async def replicas(database):
    await prepare(SERVICE, database)
    async with replica(database) as first, replica(database) as second:
        places = [(topic, n) for topic in ("accounts", "offers", "slots", "stock") for n in range(4)]
        async with first.writing() as connection:
            await create_checkpoints(connection, dict.fromkeys(places, 0))
        moved_in = [record(of(name, events.registered(f"brewer of {name}")), 0) for name in FAMILIES]
        await BatchProcessor(first).apply([record(events.offer(), 0), *moved_in], {})
        async with first.writing() as connection:
            store = first.store_in(connection)
            for name in FAMILIES:
                wish = a.subscription(subscription_id=f"of {name}")
                await store.save_subscription(await store.lock_pool(f"{name}/pods"), wish)
        yield first, second


def retried():
    return BATCHES_RETRIED._value.get()


async def test_a_batch_takes_its_pools_in_their_order_whatever_its_own(replicas):
    first, second = replicas
    backwards = [record(of(name, events.counted(9)), 1) for name in reversed(FAMILIES)]
    before = retried()

    async with first.writing() as connection:
        store = first.store_in(connection)
        await store.lock_pool("ann/pods")
        batch = asyncio.create_task(BatchProcessor(second).apply(backwards, {}))
        await until(lambda: connection.fetchval(LOCKS), "the batch waits for a pool", 30)
        free = [await store.lock_pool(f"{name}/pods") for name in FAMILIES]
    await batch

    async with first.read() as seen:
        shelves = await seen.connection.fetch("SELECT shelf FROM pool")
    assert [pool.shelf for pool in free] == [0] * len(FAMILIES)
    assert {row["shelf"] for row in shelves} == {9}
    assert retried() == before


async def test_an_offer_that_comes_while_somebody_subscribes_to_it_is_seen_by_one_of_them(replicas):
    first, second = replicas
    async with first.transaction() as transaction:
        pool = await transaction.store.lock_pool("ann/pods")
        moved = replace(pool.subscription, provider_id="globex", version=2)
        await _apply(transaction, pool, moved)
        offer = asyncio.create_task(BatchProcessor(second).apply([record(events.offer(provider_id="globex"), 0)], {}))

        async def got_on():
            return offer.done() or await transaction.store.connection.fetchval(LOCKS)

        await until(got_on, "the offer is taken over, or waits", 30)
    await offer

    async with first.read() as seen:
        situation = await seen.connection.fetchval("SELECT situation FROM pool WHERE pool_id = 'ann/pods'")
    assert situation == Situation.ARMED


@pytest.mark.parametrize("kind", ["levels and goods", "offers and goods", "devices and goods"])
async def test_two_batches_in_opposite_order_both_come_through(replicas, kind):
    first, second = replicas
    said = {
        "levels and goods": lambda name, n: of(name, events.filled(30 + n % 9)),
        "offers and goods": lambda _, n: events.offer(pack_size=40 + n % 2),
        "devices and goods": lambda name, n: events.registered(f"{name} {n}", customer_id=name),
    }[kind]
    before = retried()

    for round_ in range(10):
        forwards = [record(said(name, 10 * round_ + n), 2) for n, name in enumerate(FAMILIES)]
        backwards = [record(of(name, events.counted(round_)), 3) for name in reversed(FAMILIES)]
        await asyncio.gather(BatchProcessor(first).apply(forwards, {}), BatchProcessor(second).apply(backwards, {}))

    async with first.read() as seen:
        shelves = await seen.connection.fetch("SELECT shelf FROM pool")
    assert {row["shelf"] for row in shelves} == {9}
    assert retried() == before
