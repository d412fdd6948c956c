"""Many payments with a payment service that does everything wrong now and then: each happens once."""

from collections import Counter

from tests.integration.order_dispatch.payments.world import running, sandbox

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


async def test_every_order_is_paid_once_whatever_goes_wrong(database, tmp_path):
    log = tmp_path / "book.jsonl"
    async with sandbox(log, *FAULTS) as url, running(database, log, sandbox_pay_url=url) as world:
        orders = [await world.order() for _ in range(ORDERS)]
        for order in orders:
            await world.pay(order)
        for number, order in enumerate(orders):
            await world.reaches(order, "authorized", seconds=60)
            await (world.void(order) if number % 4 == 0 else world.capture(order, 100 + number))
        for number, order in enumerate(orders):
            await world.reaches(order, "voided" if number % 4 == 0 else "captured", seconds=60)

        book = await world.book()
        once = Counter((line["payment_id"], line["op"]) for line in book)
        assert set(once.values()) == {1}
        assert Counter(op for _, op in once) == {"authorized": 40, "voided": 10, "captured": 30}
        taken = sum(line["amount"] for line in book if line["op"] == "captured")
        assert taken == sum(100 + number for number in range(ORDERS) if number % 4)
        assert await world.rows("SELECT account, balance FROM money_balance WHERE balance <> 0 ORDER BY account") == [
            ("cash:sandbox", taken),
            ("provider:acme", -taken),
        ]
        assert await world.wrong() == []
        ((reconciled,),) = await world.rows("SELECT count(*) FROM payment_history WHERE to_state = 'unknown'")
        assert reconciled > 0
        assert Counter(what for what, *_ in world.told) == {"authorized": 40}
