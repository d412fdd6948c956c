"""The database stops: reports are still accepted, other calls fail clearly, and processing resumes afterwards."""

import pytest

from tests.support import households as a


@pytest.fixture
async def database(world):
    """Stopped by the test; restarted after it in any case."""
    yield world.stack.backends.postgres
    await world.stack.backends.postgres.start()
    await world.reconnect()


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_report_accepted_during_outage_counts_once(world, database, end):
    home = await world.move_in(a.household(level=10, at_level=3))
    await home.uses(1)
    pids = world.pids()

    await getattr(database, end)()
    credential, reports = home.credentials[home.device_id], [home.counted("SlotUsed", quantity=6)]
    taken = await world.gateway.post(credential, reports)
    answers = {
        service: await world.posts(service, path, body)
        for service, path, body in (
            ("portal", "/v1/customers", a.household().joined()),
            ("inventory", f"/v1/customers/{home.customer_id}/stock/{home.product_id}/count", {"quantity": 1}),
        )
    }
    await database.start()
    await world.reconnect()
    if taken.status_code == 503:  # the machine was so busy that revoked credentials might have been missed
        assert taken.json()["code"] == "credentials_stale"
        await world.gateway.takes(credential, reports)
    await world.settled()

    assert taken.status_code in (202, 503)
    for answer in answers.values():
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert answer.headers["content-type"] == "application/problem+json"
        assert int(answer.headers["retry-after"]) > 0
    assert await home.level() == 3
    [order] = await home.orders()
    await home.is_supplied(order)
    assert await home.level() == 53
    assert home.mails() == ["Ordered: Coffee pods"]
    assert world.pids() == pids
    assert await home.orders_again() != order
