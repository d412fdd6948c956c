"""Order dispatch's payments on a real database, with the sandbox as a process of its own."""

import asyncio
import itertools
import json
import subprocess
import sys
from contextlib import asynccontextmanager, contextmanager, suppress

import httpx
import pytest
from pydantic import SecretStr

from libs.kit import Task
from libs.kit.health import Health
from libs.kit.http.app import build_app
from libs.kit.kit import Kit
from libs.kit.tasks import TaskRunner
from libs.kit.testing import prepare, settings_for
from services.order_dispatch.orders import payment as order_payment
from services.order_dispatch.payments import commands as payments
from services.order_dispatch.payments.domain import Mandate
from services.order_dispatch.payments.store import PaymentMethod, token_owner
from services.order_dispatch.payments.tasks import OrderEffect, perform_step
from services.order_dispatch.sealing import seal
from services.order_dispatch.service import SERVICE
from tests.support import orders as a
from tests.support.portal_server import until

KEY = bytes(range(32))
_numbers = itertools.count(1)


class World:
    """A kit whose effects run, orders to pay, and who was told what."""

    def __init__(self, kit, log):
        self.kit, self.log, self.told = kit, log, []
        app = build_app(SERVICE.name, SERVICE.api, Health())
        app.state.kit = kit
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://dispatch")

    async def order(self, token="tok_ok", *, service="sandbox", mandate=5000, price=500, currency="USD"):
        """Draft an order of a customer who pays with this token."""
        number = next(_numbers)
        order_id, customer = f"o{number}", f"customer-{number}"
        async with self.kit.transaction() as tx:
            store = tx.store
            await store.save_provider(a.ACME)
            await store.connection.execute("UPDATE provider SET payment = $1", service)
            if token is not None:
                sealed = seal(KEY, token, token_owner(customer, service))
                method = PaymentMethod(customer, service, sealed, Mandate(mandate, "USD"), store.now)
                await store.save_payment_method(method)
            approved = a.approved(order_id=order_id, customer_id=customer, pool_id=order_id, packs=1, quantity=20)
            offer = a.offer(price=price, currency=currency)
            decision = a.draft(approved, a.slot(customer_id=customer), a.ACME, offer, store.now)
            await store.add_order(decision)
        return decision.order

    async def pay(self, order, *more):
        """Begin the payment and, in the same transaction, whatever else is wanted."""
        async with self.kit.transaction() as tx:
            await tx.store.lock_order(order.order_id)
            tx.publish(*await payments.authorize(order, tx.store))
            for want in more:
                tx.publish(*await want(order, tx.store))

    async def want(self, command, order, *amount):
        async with self.kit.transaction() as tx:
            await tx.store.lock_order(order.order_id)
            said = await command(order, *amount, tx.store)
            tx.publish(*said)
        return said

    async def capture(self, order, amount):
        return await self.want(payments.capture, order, amount)

    async def void(self, order):
        return await self.want(payments.void, order)

    async def refund(self, order, amount):
        return await self.want(payments.refund, order, amount)

    async def payment(self, order):
        async with self.kit.read() as store:
            return await store.find_payment(order.order_id)

    async def reaches(self, order, state, seconds=20):
        async def found_or_none():
            payment = await self.payment(order)
            return payment if payment and payment.state == state else None

        return await until(found_or_none, f"the payment of {order.order_id} is {state}", seconds)

    async def authorized(self, *token, **more):
        order = await self.order(*token, **more)
        await self.pay(order)
        await self.reaches(order, "authorized")
        return order

    async def captured(self, *token, **more):
        order = await self.authorized(*token, **more)
        await self.capture(order, order.price)
        await self.reaches(order, "captured")
        return order

    async def rows(self, sql, *arguments):
        async with self.kit.pool.acquire() as connection:
            return [tuple(row) for row in await connection.fetch(sql, *arguments)]

    async def states(self, order):
        sql = """SELECT to_state FROM payment_history JOIN payment USING (payment_id)
            WHERE order_id = $1 ORDER BY payment_history.version"""
        return [state for (state,) in await self.rows(sql, order.order_id)]

    async def balances(self, order):
        """What this order's bookings left on each account."""
        sql = """SELECT account, sum(e.amount)::bigint FROM money_entry AS e JOIN money_transaction USING (number)
            JOIN payment USING (payment_id) WHERE order_id = $1 GROUP BY account HAVING sum(e.amount) <> 0"""
        return dict(await self.rows(sql, order.order_id))

    async def said(self, order):
        """The types and data of what was said token_owner this order, in order."""
        rows = await self.rows("SELECT value FROM outbox WHERE topic = 'orders' ORDER BY partition, sequence")
        events = [json.loads(value) for (value,) in rows]
        return [(e["type"], e["data"]) for e in events if e["data"]["order_id"] == order.order_id]

    async def types(self, order):
        return [name for name, _ in await self.said(order) if name.startswith("Payment")]

    async def wrong(self):
        """Every row of every check."""
        views = await self.rows("SELECT viewname FROM pg_views WHERE schemaname = 'order_dispatch'")
        return [
            (view, *row)
            for (view,) in views
            if view.startswith("check_")
            for row in await self.rows(f"SELECT subject, problem FROM {view}")
        ]

    async def book(self, order=None):
        """What the sandbox itself wrote down, of one order or of all."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []
        if order is None:
            return lines
        payment = await self.payment(order)
        return [(line["op"], line.get("amount")) for line in lines if line["payment_id"] == payment.payment_id]

    @asynccontextmanager
    async def killed_after_asking(self, step, order):
        """Give a transaction whose intent is left as by a process that died after its call, before the outcome."""
        async with self.kit.transaction() as tx:
            await tx.store.lock_order(order.order_id)
            yield tx
            (intended,) = tx.store.added_tasks
            tx.store.added_tasks.clear()
            await tx.store.connection.execute(
                """INSERT INTO task (kind, id, payload, due_at, state, attempt, attempt_id, lease_until)
                VALUES ($1, $2, $3, $4, 'claimed', 1, gen_random_uuid(), now() + interval '1 hour')""",
                *(intended.kind, intended.task_id, intended.payload, intended.due_at),
            )
        assert intended.kind == step
        payment = await self.payment(order)
        await self._ask_as_the_dead_did(payment, intended.task_id)
        await self.rows(
            "UPDATE task SET lease_until = now() - interval '1 second' WHERE id = $1", payment.idempotency_key
        )

    async def _ask_as_the_dead_did(self, payment, key):
        await perform_step(Task(key, {"payment_id": payment.payment_id, "obstacle": None}, 1), self.kit)


@asynccontextmanager
async def sandbox(log, *options):
    """The counterpart as a process; gives its address."""
    command = [sys.executable, "-m", "deploy.samples.sandbox_pay", "--port", "0", "--log", str(log), *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield (await asyncio.to_thread(process.stdout.readline)).strip()
    finally:
        process.kill()
        await asyncio.to_thread(process.wait)
        process.stdout.close()


@asynccontextmanager
async def running(database, log, **knobs):
    """A kit of order dispatch of which only the effects run."""
    await prepare(SERVICE, database)
    knobs = {"sealing_key": SecretStr(KEY.hex()), "payment_seconds": 0.3, **knobs}
    kit = await Kit.open(SERVICE, settings_for(SERVICE, database, **knobs))
    effects = TaskRunner(kit)
    kit.on_commit(effects)
    task = asyncio.create_task(effects.run())
    world = World(kit, log)
    try:
        with recorded_results(world.told):
            yield world
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await world.http.aclose()
        await kit.close()


@contextmanager
def recorded_results(log):
    """Record what payments report to orders, instead of applying it."""

    async def record(results, store):
        events = []
        for result in results:
            events += result.events
            if result.effect is OrderEffect.AUTHORIZED:
                assert await store.find_order(result.order_id)
                log.append(("authorized", result.order_id))
            elif result.effect is OrderEffect.NOT_AUTHORIZED:
                log.append(("failed", result.order_id, result.reason))
            elif result.effect is OrderEffect.NOT_CAPTURED:
                log.append(("capture failed", result.order_id, result.reason))
        return events

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(order_payment, "_apply_results", record)
        yield
