"""Concurrent batches that lock the same pools neither deadlock nor need a retry."""

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
from services.reorder_decision.handlers import reassess_due
from services.reorder_decision.service import SERVICE
from tests.support import decision_events as events
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


async def test_batch_locks_pools_in_sorted_order(replicas):
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


async def test_concurrent_offer_and_subscription_see_each_other(replicas):
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
async def test_batches_in_opposite_order_do_not_deadlock(replicas, kind):
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


class TestCollecting:
    """Orders that include collecting pools, while other batches touch the same pools."""

    PRODUCTS = ("beans", "filters", "pods")

    @pytest.fixture
    async def customer(self, replicas):
        """Make beans and filters of a customer collect, which acme sells; the customer's pods order at once."""
        first, _ = replicas
        customer = f"eve {next(_numbers)}"
        specs = [events.spec(slot=product_id, product_id=product_id) for product_id in self.PRODUCTS]
        offers = [record(events.offer(product_id=product_id), 0) for product_id in self.PRODUCTS]
        brewer = events.registered(f"brewer of {customer}", *specs, customer_id=customer)
        await BatchProcessor(first).apply([*offers, record(brewer, 0)], {})
        async with first.transaction() as transaction:
            for product_id in self.PRODUCTS:
                pool = await transaction.store.lock_pool(f"{customer}/{product_id}")
                hours = 0.0 if product_id == "pods" else 24.0
                wish = a.subscription(subscription_id=f"of {pool.pool_id}", days=14.0, collect_hours=hours)
                await _apply(transaction, pool, wish)
        await BatchProcessor(first).apply([self.crossed(customer, "beans"), self.crossed(customer, "filters")], {})
        return customer

    @staticmethod
    def about(customer, product_id):
        return {
            "customer_id": customer,
            "device_id": f"brewer of {customer}",
            "product_id": product_id,
            "slot": product_id,
        }

    def crossed(self, customer, product_id):
        about = self.about(customer, product_id) | {"pool_id": f"{customer}/{product_id}"}
        return record(events.crossed(1, level=13, rate=1.0, **about), 1)

    @staticmethod
    async def lines(kit, customer):
        """Return the products with an order, and the number of orders."""
        async with kit.read() as store:
            rows = await store.connection.fetch(
                "SELECT product_id, order_id FROM reorder JOIN pool USING (pool_id) WHERE customer_id = $1 ORDER BY 1",
                customer,
            )
        return tuple(row["product_id"] for row in rows), len({row["order_id"] for row in rows})

    async def test_batch_locks_collecting_pools_up_front_in_sorted_order(self, replicas, customer):
        first, second = replicas
        crossing, other = self.crossed(customer, "pods"), record(of("bob", events.counted(5)), 2)
        before = retried()

        async with first.writing() as connection:
            store = first.store_in(connection)
            await store.lock_pool(f"{customer}/beans")
            batch = asyncio.create_task(BatchProcessor(second).apply([crossing, other], {}))
            await until(lambda: connection.fetchval(LOCKS), "the batch waits for a pool", 30)
            free = [await store.lock_pool(f"{customer}/{name}") for name in ("filters", "pods")]
        await batch

        assert all(free)
        assert await self.lines(first, customer) == (self.PRODUCTS, 1)
        assert retried() == before

    async def test_locked_collecting_pool_is_not_waited_for(self, replicas, customer):
        first, second = replicas
        pool_ids = [f"{customer}/{name}" for name in self.PRODUCTS]

        async with first.writing() as connection, second.transaction() as transaction:
            await first.store_in(connection).lock_pool(pool_ids[0])
            found = await transaction.store.lock_collecting_pools(pool_ids)

        assert [pool.product_id for pool in found] == ["filters"]

    async def test_order_and_corrections_in_opposite_order_do_not_deadlock(self, replicas, customer):
        first, second = replicas
        crossing, other = self.crossed(customer, "pods"), record(of("bob", events.counted(6)), 2)
        corrected = [record(events.filled(12, **self.about(customer, name)), 3) for name in ("filters", "beans")]
        before = retried()

        await asyncio.gather(
            BatchProcessor(first).apply([crossing, other], {}), BatchProcessor(second).apply(corrected, {})
        )

        assert await self.lines(first, customer) == (self.PRODUCTS, 1)
        assert retried() == before

    async def test_periodic_job_and_order_place_one_line_per_pool(self, replicas, customer):
        first, second = replicas
        crossing, other = self.crossed(customer, "pods"), record(of("bob", events.counted(7)), 2)

        async def job():
            async with second.transaction() as transaction:
                transaction.store.now += a.days(1)
                transaction.publish(*await reassess_due(transaction.store))

        await asyncio.gather(BatchProcessor(first).apply([crossing, other], {}), job())

        products, orders = await self.lines(first, customer)
        assert products == self.PRODUCTS
        assert orders in {1, 2}
