"""Devices and customers come and go; the books stay."""

from replenish_contracts.events import CountCause, Fill, StockArrived, StockCounted
from tests.support import inventory_events as a


class TestDevices:
    async def test_an_older_registration_does_not_come_back(self, ledger):
        await ledger.register(registration=2, fill=Fill.REPLACE)
        await ledger.register(registration=1)

        assert (await ledger.store.find_slot("brewer", "1")).replaced_whole

    async def test_a_deregistration_of_the_past_ends_nothing(self, ledger):
        await ledger.register(registration=2)
        await ledger.hear(a.deregistered(1))

        assert await ledger.store.find_slot("brewer", "1")

    async def test_a_replaced_device_stays_known_without_slots(self, ledger):
        await ledger.register()
        await ledger.hear(a.replaced("new"))

        assert await ledger.store.find_slot("brewer", "1") is None
        assert await ledger.store.is_known_device("brewer")
        assert await ledger.store.find_slot("new", "1")

    async def test_a_device_that_follows_on_itself_keeps_its_new_slots(self, ledger):
        await ledger.register()
        await ledger.hear(a.replaced("brewer", registration=2))

        assert await ledger.store.find_slot("brewer", "1")


class TestCustomerErased:
    async def test_empties_the_shelf_and_forgets_whose_devices_they_were(self, ledger):
        await ledger.register()
        await ledger.hear(a.delivered())

        (said,) = await ledger.hear(a.erased())

        assert (said.shelf, said.difference, said.cause) == (0, -40, CountCause.MOVED_OUT)
        for table in ("slot", "product_unit"):
            assert await ledger.store.connection.fetchval(f"SELECT count(*) FROM {table}") == 0, table

    async def test_leaves_books_that_late_facts_still_balance(self, ledger):
        await ledger.register()
        await ledger.hear(a.erased())

        said = await ledger.hear(a.delivered())

        assert [(type(event), event.shelf) for event in said] == [(StockArrived, 40), (StockCounted, 0)]
        assert await ledger.hear(a.filled(10)) == []
        assert await ledger.hear(a.corrected(3)) == []
        assert await ledger.balances() == {"supplier": -40, "unexplained": 40}
