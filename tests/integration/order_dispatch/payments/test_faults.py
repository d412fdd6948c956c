"""Test of many payments with a payment service that loses, delays and garbles answers."""

from collections import Counter

from tests.integration.order_dispatch.payments.environment import running, sandbox

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
