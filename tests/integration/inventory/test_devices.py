"""Registration, replacement and erasure of devices and customers; ledger entries remain."""

from replenish_contracts.events import CountCause, Fill, StockArrived, StockCounted
from tests.support import inventory_events as a


class TestDevices:
    async def test_older_registration_is_ignored(self, ledger):
        await ledger.register(registration=2, fill=Fill.REPLACE)
        await ledger.register(registration=1)

        assert (await ledger.store.find_slot("brewer", "1")).replaced_whole

    async def test_older_deregistration_is_ignored(self, ledger):
        await ledger.register(registration=2)
        await ledger.hear(a.deregistered(1))

        assert await ledger.store.find_slot("brewer", "1")

    async def test_replaced_device_is_kept_without_slots(self, ledger):
        await ledger.register()
        await ledger.hear(a.replaced("new"))

        assert await ledger.store.find_slot("brewer", "1") is None
        assert await ledger.store.is_known_device("brewer")
        assert await ledger.store.find_slot("new", "1")

    async def test_device_that_replaces_itself_keeps_new_slots(self, ledger):
        await ledger.register()
        await ledger.hear(a.replaced("brewer", registration=2))

        assert await ledger.store.find_slot("brewer", "1")


class TestCustomerErased:
    async def test_erasure_empties_shelf_and_anonymizes_devices(self, ledger):
        await ledger.register()
        await ledger.hear(a.delivered())

        (said,) = await ledger.hear(a.erased())

        assert (said.shelf, said.difference, said.cause) == (0, -40, CountCause.MOVED_OUT)
        for table in ("slot", "product_unit"):
            assert await ledger.store.connection.fetchval(f"SELECT count(*) FROM {table}") == 0, table

    async def test_late_events_after_erasure_keep_ledger_balanced(self, ledger):
        await ledger.register()
        await ledger.hear(a.erased())

        said = await ledger.hear(a.delivered())

        assert [(type(event), event.shelf) for event in said] == [(StockArrived, 40), (StockCounted, 0)]
        assert await ledger.hear(a.filled(10)) == []
        assert await ledger.hear(a.corrected(3)) == []
        assert await ledger.balances() == {"supplier": -40, "unexplained": 40}
