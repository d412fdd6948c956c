"""The broker stops: the gateway answers 503 and never a false 202; processing resumes afterwards."""

import pytest

from deploy.local.waiting import until
from tests.support import households as a


@pytest.fixture
async def broker(world):
    """Stopped by the test; restarted after it in any case."""
    yield world.stack.backends.kafka
    await world.stack.backends.kafka.start()


async def test_report_refused_with_503_counts_once_after_restart(world, broker):
    home = await world.move_in(a.household(level=10, at_level=3))
    await home.uses(1)
    pids = world.pids()
    report = home.counted("SlotUsed", quantity=6)
    credential = home.credentials[home.device_id]

    await broker.stop()
    refused = [await world.gateway.post(credential, [report]) for _ in range(2)]
    newcomer = a.household(level=10, at_level=3)
    joined = await world.ask("portal", "POST", "/v1/customers", newcomer.joined())
    await broker.start()

    async def taken():
        return (await world.gateway.post(credential, [report])).status_code == 202

    await until(taken, "the gateway takes reports again", within_s=120, every_s=0.1)
    await world.settled()

    for answer in refused:
        assert (answer.status_code, answer.json()["code"]) == (503, "broker_unavailable")
        assert answer.headers["content-type"] == "application/problem+json"
        assert int(answer.headers["retry-after"]) > 0
    assert await home.level() == 3
    [order] = await home.orders()
    await home.is_supplied(order)
    assert home.mails() == ["Ordered: Coffee pods"]
    assert joined["customer_id"]
    assert world.pids() == pids
    assert await home.orders_again() != order


async def test_open_order_is_placed_once_after_restart(world, broker):
    home = await world.move_in(a.household(level=10, at_level=3, mode="approve"))
    await home.uses(7)
    proposal = await home.proposal()

    await broker.kill()
    answer = await world.posts("reorder_decision", f"/v1/reorders/{proposal}/approve", {})
    nothing_yet = world.provider.requests(proposal)
    await broker.start()
    await world.settled()
    await home.is_supplied(proposal)

    assert answer.status_code == 200
    assert nothing_yet == []
    assert await home.orders() == [proposal]
    assert await home.level() == 53
