"""Each event moves goods between places once and publishes the new shelf balance."""

import pytest

from libs.kit import NotReadyError
from replenish_contracts.events import CountCause, Fill, FillCause, StockArrived, StockCounted
from services.inventory.handlers.shelf import event_name
from tests.support import inventory_events as a


class TestOrderShipped:
    async def test_shipment_puts_goods_in_transit(self, ledger):
        assert await ledger.hear(a.shipped()) == []
        assert await ledger.balances() == {"supplier": -40, "in_transit": 40}

    async def test_repeated_shipment_moves_goods_once(self, ledger):
        await ledger.hear(a.shipped())
        await ledger.hear(a.shipped())

        assert await ledger.balances() == {"supplier": -40, "in_transit": 40}

    async def test_shipment_after_delivery_moves_nothing(self, ledger):
        await ledger.hear(a.delivered())
        await ledger.hear(a.shipped())

        assert await ledger.balances() == {"supplier": -40, "shelf": 40}

    async def test_shipment_is_reversed_when_order_ends(self, ledger):
        await ledger.hear(a.shipped())
        await ledger.hear(a.cancelled())
        await ledger.hear(a.cancelled())

        assert await ledger.balances() == {}


class TestOrderDelivered:
    async def test_delivery_credits_shelf_and_publishes_balance(self, ledger):
        await ledger.hear(a.shipped())

        (said,) = await ledger.hear(a.delivered())

        assert isinstance(said, StockArrived)
        assert (said.quantity, said.shelf, said.occurred_at) == (40, 40, a.NOON)
        assert await ledger.balances() == {"supplier": -40, "shelf": 40}

    async def test_repeated_delivery_credits_once(self, ledger):
        await ledger.hear(a.delivered())

        assert await ledger.hear(a.delivered()) == []
        assert await ledger.shelf() == 40

    async def test_smaller_delivery_books_loss(self, ledger):
        await ledger.hear(a.shipped(40))
        await ledger.hear(a.delivered(35))

        assert await ledger.balances() == {"supplier": -40, "shelf": 35, "unexplained": 5}

    async def test_delivery_of_nothing_ends_order(self, ledger):
        (said,) = await ledger.hear(a.delivered(0))

        assert (said.quantity, said.shelf) == (0, 0)

    async def test_delivery_resolves_records_waiting_for_arrival(self, ledger):
        await ledger.hear(a.delivered())

        assert "arrived:o1" in ledger.store.resolved_dependencies


class TestClaimRaised:
    async def test_claim_takes_missing_goods_off_shelf(self, ledger):
        await ledger.hear(a.delivered(40))

        (said,) = await ledger.hear(a.claimed(30))
        again = await ledger.hear(a.claimed(30))

        assert (said.shelf, said.difference, said.cause, again) == (30, -10, CountCause.COUNTED, [])
        assert await ledger.balances() == {"supplier": -40, "shelf": 30, "unexplained": 10}

    async def test_claim_of_already_reduced_delivery_moves_nothing(self, ledger):
        await ledger.hear(a.delivered(30))

        assert await ledger.hear(a.claimed(30)) == []
        assert await ledger.shelf() == 30

    async def test_claim_takes_at_most_shelf(self, ledger):
        await ledger.register()
        await ledger.hear(a.delivered(40))
        await ledger.hear(a.filled(38))

        await ledger.hear(a.claimed(30))

        assert await ledger.balances() == {"supplier": -40, "loaded": 38, "unexplained": 2}


class TestSlotFilled:
    async def test_fill_takes_from_shelf_and_publishes_balance(self, ledger):
        await ledger.register()
        await ledger.hear(a.delivered())

        (said,) = await ledger.hear(a.filled(10))

        assert isinstance(said, StockCounted)
        assert (said.shelf, said.difference, said.cause) == (30, -10, CountCause.LOADED)

    async def test_fill_beyond_shelf_books_unexplained_rest(self, ledger):
        await ledger.register()
        await ledger.hear(a.delivered(4))

        (said,) = await ledger.hear(a.filled(10))

        assert (said.shelf, said.difference) == (0, -4)
        assert await ledger.balances() == {"supplier": -4, "unexplained": -6, "loaded": 10}

    async def test_fill_with_empty_shelf_publishes_nothing(self, ledger):
        await ledger.register()

        assert await ledger.hear(a.filled(10)) == []
        assert await ledger.balances() == {"unexplained": -10, "loaded": 10}

    async def test_repeated_fill_takes_once(self, ledger):
        await ledger.register()
        await ledger.hear(a.delivered())
        await ledger.hear(a.filled(10), cause="the same")

        assert await ledger.hear(a.filled(10), cause="the same") == []
        assert await ledger.shelf() == 30

    async def test_fill_by_arrival_waits_for_credit(self, ledger):
        await ledger.register()
        event = a.filled(40, FillCause.ARRIVAL, order_id="o1")

        with pytest.raises(NotReadyError, match="arrived:o1"):
            await ledger.hear(event)
        await ledger.hear(a.delivered())
        (said,) = await ledger.hear(event)

        assert said.shelf == 0

    async def test_fill_of_unknown_device_waits_for_registration(self, ledger):
        with pytest.raises(NotReadyError, match="device:brewer"):
            await ledger.hear(a.filled(10))

    async def test_fill_of_deregistered_device_is_booked(self, ledger):
        await ledger.register()
        await ledger.hear(a.delivered())
        await ledger.hear(a.deregistered())

        (said,) = await ledger.hear(a.filled(10))

        assert said.shelf == 30

    async def test_replaced_cartridge_takes_whole_one(self, ledger):
        await ledger.register(fill=Fill.REPLACE)
        await ledger.hear(a.delivered(100))

        (said,) = await ledger.hear(a.filled(47, level=50))

        assert said.difference == -50


class TestSlotCorrected:
    @pytest.mark.parametrize("difference", [5, -5])
    async def test_correction_keeps_shelf_and_is_booked_as_unexplained(self, ledger, difference):
        await ledger.hear(a.delivered())

        assert await ledger.hear(a.corrected(difference)) == []
        assert await ledger.balances() == {
            "supplier": -40,
            "shelf": 40,
            "loaded": difference,
            "unexplained": -difference,
        }


def test_event_without_id_is_refused():
    with pytest.raises(ValueError, match="under the id of their event"):
        event_name(type("Store", (), {"cause": None}))
