"""Goods that are loaded before their delivery is reported are not on the shelf afterwards."""

from datetime import timedelta

import pytest

from replenish_contracts.events import CountCause, FillCause, StockArrived, StockCounted
from tests.support import inventory_events as a

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
async def brewer(ledger):
    await ledger.register()


def told(said):
    return [(type(event), event.shelf) for event in said]


class TestArrival:
    async def test_arrival_settles_goods_loaded_before_it(self, ledger):
        await ledger.hear(a.filled(10))

        said = await ledger.hear(a.delivered(40))

        assert told(said) == [(StockArrived, 40), (StockCounted, 30)]
        assert (said[1].difference, said[1].cause) == (-10, CountCause.SETTLED)
        assert await ledger.balances() == {"supplier": -40, "shelf": 30, "loaded": 10}

    async def test_arrival_settles_once(self, ledger):
        await ledger.hear(a.filled(10))
        await ledger.hear(a.delivered(40))

        again = await ledger.hear(a.delivered(40))
        another = await ledger.hear(a.delivered(40, order_id="o2"))

        assert (again, told(another)) == ([], [(StockArrived, 70)])

    async def test_arrival_settles_loading_beyond_shelf(self, ledger):
        await ledger.hear(a.delivered(4))
        for quantity in (3, 2, 5):
            await ledger.hear(a.filled(quantity, FillCause.INFERRED))

        await ledger.hear(a.delivered(40, order_id="o2"))

        assert await ledger.balances() == {"supplier": -44, "shelf": 34, "loaded": 10}

    async def test_arrival_does_not_settle_old_loading(self, ledger):
        await ledger.hear(a.filled(10, occurred_at=a.NOON - 4 * DAY))
        await ledger.hear(a.filled(7, occurred_at=a.NOON - 2 * DAY))

        await ledger.hear(a.delivered(40))

        assert await ledger.balances() == {"supplier": -40, "shelf": 33, "loaded": 17, "unexplained": -10}

    async def test_arrival_does_not_settle_loading_before_count(self, ledger):
        await ledger.hear(a.filled(10))
        await ledger.count(5)

        await ledger.hear(a.delivered(40))

        assert await ledger.shelf() == 45

    async def test_arrival_does_not_settle_correction(self, ledger):
        await ledger.hear(a.corrected(10))

        assert told(await ledger.hear(a.delivered(40))) == [(StockArrived, 40)]
