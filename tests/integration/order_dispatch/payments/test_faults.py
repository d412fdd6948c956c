"""Test of many payments with a payment service that loses, delays and garbles answers."""

import random
from collections import Counter
from functools import partial

from tests.integration.order_dispatch.payments.environment import running, sandbox
from tests.support.portal_server import until

ORDERS = 40
FAULTS = [
    "--cut-every",
    "7",
    "--lost-every",
    "5",
    "--busy-every",
    "11",
    "--broken-every",
    "13",
    "--garbage-every",
    "17",
]


async def test_payments_happen_once_despite_faults(database, tmp_path):
    log_path = tmp_path / "operations.jsonl"
    async with sandbox(log_path, *FAULTS) as url, running(database, log_path, sandbox_pay_url=url) as environment:
        orders = [await environment.draft_order() for _ in range(ORDERS)]
        for order in orders:
            await environment.authorize(order)
        for number, order in enumerate(orders):
            await environment.wait_for_state(order, "authorized", seconds=60)
            await (environment.void(order) if number % 4 == 0 else environment.capture(order, 100 + number))
        for number, order in enumerate(orders):
            await environment.wait_for_state(order, "voided" if number % 4 == 0 else "captured", seconds=60)

        operations = await environment.sandbox_log()
        counts = Counter((line["payment_id"], line["op"]) for line in operations)
        assert set(counts.values()) == {1}
        assert Counter(op for _, op in counts) == {"authorized": 40, "voided": 10, "captured": 30}
        captured_total = sum(line["amount"] for line in operations if line["op"] == "captured")
        assert captured_total == sum(100 + number for number in range(ORDERS) if number % 4)
        assert await environment.fetch(
            "SELECT account, balance FROM money_balance WHERE balance <> 0 ORDER BY account"
        ) == [
            ("cash:sandbox", captured_total),
            ("provider:acme", -captured_total),
        ]
        assert await environment.failed_checks() == []
        ((reconciled,),) = await environment.fetch("SELECT count(*) FROM payment_history WHERE to_state = 'unknown'")
        assert reconciled > 0
        assert Counter(kind for kind, *_ in environment.results) == {"authorized": 40}


async def _ended(environment, order):
    payment = await environment.payment(order)
    return payment if payment.state in ("refunded", "voided") else None


async def test_parts_are_captured_once_despite_faults(database, tmp_path):
    log_path, random_parts = tmp_path / "operations.jsonl", random.Random(7)
    async with sandbox(log_path, *FAULTS) as url, running(database, log_path, sandbox_pay_url=url) as environment:
        orders = [await environment.draft_order() for _ in range(ORDERS)]
        for order in orders:
            await environment.authorize(order)
        shipped = {order.order_id: sorted(random_parts.sample(range(1, 500), 3)) for order in orders}
        for part in range(3):  # the second and third are requested while the first may be in progress
            for order in random_parts.sample(orders, ORDERS):
                due_total = shipped[order.order_id][part]
                for _ in range(random_parts.randint(1, 2)):
                    await environment.capture_part(order, due_total, final=part == 2)
                if part == 0:
                    await environment.refund(order, 1)
        for number, order in enumerate(orders):
            if number % 4 == 0:
                await environment.void(order)
        for number, order in enumerate(orders):
            if number % 4 == 0:  # voided if no part was captured before
                payment = await until(partial(_ended, environment, order), "the voided payment ended", 60)
                assert payment.refunded == payment.captured
            else:
                payment = await environment.wait_for_state(order, "captured", seconds=60)
                assert (payment.captured, payment.refunded) == (shipped[order.order_id][-1], 1)

        operations = await environment.sandbox_log()
        moved = Counter()
        for line in operations:
            moved[line["payment_id"], line["op"]] += line["amount"]
        for order in orders:
            payment = await environment.payment(order)
            assert moved[payment.payment_id, "captured"] == payment.captured
            assert moved[payment.payment_id, "refunded"] == payment.refunded
        keys = [line["key"] for line in operations]
        assert len(keys) == len(set(keys))
        assert max(Counter(line["payment_id"] for line in operations if line["op"] == "captured").values()) > 1
        assert await environment.failed_checks() == []
        ((reconciled,),) = await environment.fetch("SELECT count(*) FROM payment_history WHERE to_state = 'unknown'")
        assert reconciled > 0
