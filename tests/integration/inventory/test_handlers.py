"""Events move goods between places, once each, and the new balance of the shelf is published."""

import pytest

from libs.kit import NotReadyError
from replenish_contracts.events import CountCause, Fill, FillCause, StockArrived, StockCounted
from services.inventory.handlers.shelf import event_name
from tests.support import inventory_events as a


class TestOrderShipped:
    async def test_puts_goods_in_transit(self, ledger):
        assert await ledger.hear(a.shipped()) == []
        assert await ledger.balances() == {"supplier": -40, "in_transit": 40}

    async def test_twice_moves_them_once(self, ledger):
        await ledger.hear(a.shipped())
        await ledger.hear(a.shipped())

        assert await ledger.balances() == {"supplier": -40, "in_transit": 40}

    async def test_after_the_delivery_moves_nothing(self, ledger):
        await ledger.hear(a.delivered())
        await ledger.hear(a.shipped())

        assert await ledger.balances() == {"supplier": -40, "shelf": 40}

    async def test_is_undone_when_the_order_ends_on_its_way(self, ledger):
        await ledger.hear(a.shipped())
        await ledger.hear(a.cancelled())
        await ledger.hear(a.cancelled())

        assert await ledger.balances() == {}


class TestOrderDelivered:
    async def test_credits_the_shelf_and_says_its_balance(self, ledger):
        await ledger.hear(a.shipped())

        (said,) = await ledger.hear(a.delivered())

        assert isinstance(said, StockArrived)
        assert (said.quantity, said.shelf, said.occurred_at) == (40, 40, a.NOON)
        assert await ledger.balances() == {"supplier": -40, "shelf": 40}

    async def test_twice_credits_it_once(self, ledger):
        await ledger.hear(a.delivered())

        assert await ledger.hear(a.delivered()) == []
        assert await ledger.shelf() == 40

    async def test_shows_what_got_lost(self, ledger):
        await ledger.hear(a.shipped(40))
        await ledger.hear(a.delivered(35))

        assert await ledger.balances() == {"supplier": -40, "shelf": 35, "unexplained": 5}

    async def test_of_nothing_still_ends_the_order(self, ledger):
        (said,) = await ledger.hear(a.delivered(0))

        assert (said.quantity, said.shelf) == (0, 0)

    async def test_lets_go_on_whoever_waited_for_the_arrival(self, ledger):
        await ledger.hear(a.delivered())

        assert "arrived:o1" in ledger.store.resolved_dependencies


class TestClaimRaised:
    async def test_takes_off_the_shelf_what_was_credited_and_never_came(self, ledger):
        await ledger.hear(a.delivered(40))

        (said,) = await ledger.hear(a.claimed(30))
        again = await ledger.hear(a.claimed(30))

        assert (said.shelf, said.difference, said.cause, again) == (30, -10, CountCause.COUNTED, [])
        assert await ledger.balances() == {"supplier": -40, "shelf": 30, "unexplained": 10}

    async def test_of_less_that_was_credited_as_less_moves_nothing(self, ledger):
        await ledger.hear(a.delivered(30))

        assert await ledger.hear(a.claimed(30)) == []
        assert await ledger.shelf() == 30

    async def test_takes_no_more_than_the_shelf_has_left(self, ledger):
        await ledger.register()
        await ledger.hear(a.delivered(40))
        await ledger.hear(a.filled(38))

        await ledger.hear(a.claimed(30))

        assert await ledger.balances() == {"supplier": -40, "loaded": 38, "unexplained": 2}


class TestSlotFilled:
    async def test_takes_from_the_shelf_and_says_its_balance(self, ledger):
        await ledger.register()
        await ledger.hear(a.delivered())

        (said,) = await ledger.hear(a.filled(10))

        assert isinstance(said, StockCounted)
        assert (said.shelf, said.difference, said.cause) == (30, -10, CountCause.LOADED)

    async def test_by_more_than_the_shelf_holds_shows_the_rest(self, ledger):
        await ledger.register()
        await ledger.hear(a.delivered(4))

        (said,) = await ledger.hear(a.filled(10))

        assert (said.shelf, said.difference) == (0, -4)
        assert await ledger.balances() == {"supplier": -4, "unexplained": -6, "loaded": 10}

    async def test_with_an_empty_shelf_says_nothing(self, ledger):
        await ledger.register()

        assert await ledger.hear(a.filled(10)) == []
        assert await ledger.balances() == {"unexplained": -10, "loaded": 10}

    async def test_twice_takes_once(self, ledger):
        await ledger.register()
        await ledger.hear(a.delivered())
        await ledger.hear(a.filled(10), cause="the same")

        assert await ledger.hear(a.filled(10), cause="the same") == []
        assert await ledger.shelf() == 30

    async def test_by_an_arrival_waits_until_the_arrival_is_credited(self, ledger):
        await ledger.register()
        event = a.filled(40, FillCause.ARRIVAL, order_id="o1")

        with pytest.raises(NotReadyError, match="arrived:o1"):
            await ledger.hear(event)
        await ledger.hear(a.delivered())
        (said,) = await ledger.hear(event)

        assert said.shelf == 0

    async def test_of_a_device_nobody_heard_of_waits_for_it(self, ledger):
        with pytest.raises(NotReadyError, match="device:brewer"):
            await ledger.hear(a.filled(10))

    async def test_of_a_device_that_left_is_still_booked(self, ledger):
        await ledger.register()
        await ledger.hear(a.delivered())
        await ledger.hear(a.deregistered())

        (said,) = await ledger.hear(a.filled(10))

        assert said.shelf == 30

    async def test_by_a_fresh_cartridge_takes_a_whole_one(self, ledger):
        await ledger.register(fill=Fill.REPLACE)
        await ledger.hear(a.delivered(100))

        (said,) = await ledger.hear(a.filled(47, level=50))

        assert said.difference == -50


class TestSlotCorrected:
    @pytest.mark.parametrize("difference", [5, -5])
    async def test_leaves_the_shelf_alone_and_stays_visible(self, ledger, difference):
        await ledger.hear(a.delivered())

        assert await ledger.hear(a.corrected(difference)) == []
        assert await ledger.balances() == {
            "supplier": -40,
            "shelf": 40,
            "loaded": difference,
            "unexplained": -difference,
        }


def test_nothing_is_booked_under_an_event_without_an_id():
    with pytest.raises(ValueError, match="under the id of their event"):
        event_name(type("Store", (), {"cause": None}))
