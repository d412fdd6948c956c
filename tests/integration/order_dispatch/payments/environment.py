"""Test environment of payments: a kit with a real database, and the sandbox as a process."""

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


class PaymentEnvironment:
    """A kit that runs tasks; `results` records what payments report to orders, `captured` the totals of failed captures."""

    def __init__(self, kit, log_path):
        self.kit, self.log_path, self.results, self.captured = kit, log_path, [], {}
        app = build_app(SERVICE.name, SERVICE.api, Health())
        app.state.kit = kit
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://dispatch")

    async def draft_order(
        self, token="tok_ok", *, service="sandbox", mandate=5000, price=500, currency="USD", limit_in=None
    ):
        """Draft an order of a new customer whose payment method has this token."""
        number = next(_numbers)
        order_id, customer = f"o{number}", f"customer-{number}"
        async with self.kit.transaction() as tx:
            store = tx.store
            await store.save_provider(a.ACME)
            await store.connection.execute("UPDATE provider SET payment = $1", service)
            if token is not None:
                sealed = seal(KEY, token, token_owner(customer, service))
                method = PaymentMethod(customer, service, sealed, Mandate(mandate, limit_in or currency), store.now)
                await store.save_payment_method(method)
            approved = a.approved(order_id=order_id, customer_id=customer, pool_id=order_id, packs=1, quantity=20)
            offer = a.offer(price=price, currency=currency)
            decision = a.draft(approved, a.slot(customer_id=customer), a.ACME, offer, store.now)
            await store.add_order(decision)
        return decision.order

    async def authorize(self, order, *commands):
        """Authorize the payment, and run further commands in the same transaction."""
        async with self.kit.transaction() as tx:
            await tx.store.lock_order(order.order_id)
            tx.publish(*await payments.authorize(order, tx.store))
            for command in commands:
                tx.publish(*await command(order, tx.store))

    async def _run_command(self, command, order, *amount, **options):
        async with self.kit.transaction() as tx:
            await tx.store.lock_order(order.order_id)
            events = await command(order, *amount, tx.store, **options)
            tx.publish(*events)
        return events

    async def capture(self, order, amount):
        return await self._run_command(payments.capture, order, amount)

    async def capture_part(self, order, due_total, *, final=False):
        return await self._run_command(payments.capture, order, due_total, final=final)

    async def wait_for_captured(self, order, total, seconds=20):
        """Wait until the total is captured and no step is in progress."""

        async def found_or_none():
            payment = await self.payment(order)
            return payment if (payment.captured, payment.step) == (total, None) else None

        return await until(found_or_none, f"{total} of {order.order_id} is captured", seconds)

    async def captured_part(self, due_total=300, *token):
        """Return an order for 500 that is captured in part, with more to follow."""
        order = await self.authorized_order(*token)
        await self.capture_part(order, due_total)
        await self.wait_for_captured(order, due_total)
        return order

    async def void(self, order):
        return await self._run_command(payments.void, order)

    async def refund(self, order, amount):
        return await self._run_command(payments.refund, order, amount)

    async def payment(self, order):
        async with self.kit.read() as store:
            return await store.find_payment(order.order_id)

    async def wait_for_state(self, order, state, seconds=20):
        async def found_or_none():
            payment = await self.payment(order)
            return payment if payment and payment.state == state else None

        return await until(found_or_none, f"the payment of {order.order_id} is {state}", seconds)

    async def authorized_order(self, *token, **changes):
        order = await self.draft_order(*token, **changes)
        await self.authorize(order)
        await self.wait_for_state(order, "authorized")
        return order

    async def captured_order(self, *token, **changes):
        order = await self.authorized_order(*token, **changes)
        await self.capture(order, order.price)
        await self.wait_for_state(order, "captured")
        return order

    async def fetch(self, sql, *arguments):
        async with self.kit.pool.acquire() as connection:
            return [tuple(row) for row in await connection.fetch(sql, *arguments)]

    async def states(self, order):
        sql = """SELECT to_state FROM payment_history JOIN payment USING (payment_id)
            WHERE order_id = $1 ORDER BY payment_history.version"""
        return [state for (state,) in await self.fetch(sql, order.order_id)]

    async def balances(self, order):
        """Return the balance of each account from this order's bookings."""
        sql = """SELECT account, sum(e.amount)::bigint FROM money_entry AS e JOIN money_transaction USING (number)
            JOIN payment USING (payment_id) WHERE order_id = $1 GROUP BY account HAVING sum(e.amount) <> 0"""
        return dict(await self.fetch(sql, order.order_id))

    async def events(self, order):
        """Return the types and data of the published events about this order."""
        rows = await self.fetch("SELECT value FROM outbox WHERE topic = 'orders' ORDER BY partition, sequence")
        events = [json.loads(value) for (value,) in rows]
        return [(e["type"], e["data"]) for e in events if e["data"]["order_id"] == order.order_id]

    async def event_types(self, order):
        return [name for name, _ in await self.events(order) if name.startswith("Payment")]

    async def failed_checks(self):
        """Return the rows of all check views."""
        views = await self.fetch("SELECT viewname FROM pg_views WHERE schemaname = 'order_dispatch'")
        return [
            (view, *row)
            for (view,) in views
            if view.startswith("check_")
            for row in await self.fetch(f"SELECT subject, problem FROM {view}")
        ]

    async def sandbox_log(self, order=None):
        """Return the operations that the sandbox logged, of one order or of all."""
        text = self.log_path.read_text() if self.log_path.exists() else ""
        lines = [json.loads(line) for line in text.splitlines()]
        if order is None:
            return lines
        payment = await self.payment(order)
        return [(line["op"], line.get("amount")) for line in lines if line["payment_id"] == payment.payment_id]

    @asynccontextmanager
    async def killed_after_call(self, step, order):
        """Yield a transaction whose task is left as by a process that was killed between its call and the outcome."""
        async with self.kit.transaction() as tx:
            await tx.store.lock_order(order.order_id)
            yield tx
            (added,) = tx.store.added_tasks
            tx.store.added_tasks.clear()
            await tx.store.connection.execute(
                """INSERT INTO task (kind, id, payload, due_at, state, attempt, attempt_id, lease_until)
                VALUES ($1, $2, $3, $4, 'claimed', 1, gen_random_uuid(), now() + interval '1 hour')""",
                *(added.kind, added.task_id, added.payload, added.due_at),
            )
        assert added.kind == step
        payment = await self.payment(order)
        call = Task(added.task_id, {"payment_id": payment.payment_id, "obstacle": None, "cause": "customer"}, 1)
        await perform_step(call, self.kit)
        expire_lease = "UPDATE task SET lease_until = now() - interval '1 second' WHERE id = $1"
        await self.fetch(expire_lease, payment.idempotency_key)


@asynccontextmanager
async def sandbox(log_path, *options):
    """Run the sandbox as a process; yields its URL."""
    command = [sys.executable, "-m", "deploy.samples.sandbox_pay", "--port", "0", "--log", str(log_path), *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield (await asyncio.to_thread(process.stdout.readline)).strip()
    finally:
        process.kill()
        await asyncio.to_thread(process.wait)
        process.stdout.close()


@asynccontextmanager
async def running(database, log_path, **settings):
    """Open a kit of order_dispatch that runs only tasks."""
    await prepare(SERVICE, database)
    settings = {"sealing_key": SecretStr(KEY.hex()), "payment_seconds": 0.3, **settings}
    kit = await Kit.open(SERVICE, settings_for(SERVICE, database, **settings))
    runner = TaskRunner(kit)
    kit.on_commit(runner)
    task = asyncio.create_task(runner.run())
    environment = PaymentEnvironment(kit, log_path)
    try:
        with recorded_results(environment.results, environment.captured):
            yield environment
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await environment.http.aclose()
        await kit.close()


@contextmanager
def recorded_results(log, captured):
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
                captured[result.order_id] = result.captured
        return events

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(order_payment, "_apply_results", record)
        yield
