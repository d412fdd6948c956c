"""Missing and repeated reports and shared counters are published, and not once per report."""

from datetime import timedelta

import pytest

from libs.kit.testing import store_for
from replenish_contracts.events import DeviceDeregistered, SlotAnomalyDetected
from services.consumption.handlers.accounts import on_device_deregistered, on_device_registered
from services.consumption.handlers.usage import on_usage
from services.consumption.service import SERVICE
from tests.integration.consumption.reported import NOON, measured, registered, slot_of, spec, used

BIG = 10**6


@pytest.fixture
async def store(database):
    async with store_for(SERVICE, database) as opened:
        opened.now = NOON
        yield opened


async def brewer(store, *names):
    await on_device_registered(registered(slots=tuple(spec(name, level=BIG, capacity=BIG) for name in names)), store)


async def anomalies_of(store, *batches):
    events = [event for batch in batches for event in await on_usage(batch, store)]
    return [(event.code, event.reason) for event in events if isinstance(event, SlotAnomalyDetected)]


def shared(first, count, names="12"):
    return [used(1, n, slot=names[n % len(names)]) for n in range(first, first + count)]


class TestGapsAndRepeats:
    async def test_gap_is_published_once_in_some_hours(self, store):
        await brewer(store, "1", "2")

        first = await anomalies_of(
            store, [used(1, 1)], [used(1, 4)], [used(1, 6)], [used(1, 1, slot="2"), used(1, 3, slot="2")]
        )
        store.now = NOON + timedelta(hours=7)
        later = await anomalies_of(store, [used(1, 8)], [used(1, 10)])

        assert first == [("missing_reports", "reports 2 to 3 of boot b1 are missing")]
        assert later == [("missing_reports", "report 7 of boot b1 is missing")]

    async def test_reordered_batch_is_no_gap(self, store):
        await brewer(store, "1")

        assert await anomalies_of(store, [used(1, 1), used(1, 3), used(1, 2)]) == []

    async def test_first_report_of_device_in_use_is_no_gap(self, store):
        await brewer(store, "1")

        assert await anomalies_of(store, [used(1, 500)], [used(1, 501)]) == []

    async def test_new_boot_is_no_gap(self, store):
        await brewer(store, "1")

        assert await anomalies_of(store, [used(1, 1), used(1, 2)], [used(1, 1, "b2")]) == []

    async def test_repeats_are_published_once_in_some_hours(self, store):
        await brewer(store, "1")
        reports = [used(1, 1), measured(BIG - 5, 2)]

        found = await anomalies_of(store, reports, reports, reports, reports)

        assert found == [("repeated_reports", "report 1 of boot b1 arrived again and was not counted again")]
        assert (await slot_of(store)).duplicates == 6

    async def test_repeat_without_seq_is_published(self, store):
        await brewer(store, "1")
        report = used(1, report_id="monday")

        found = await anomalies_of(store, [report, report])

        assert found == [("repeated_reports", "a report without seq arrived again and was not counted again")]

    async def test_event_has_its_cause_and_record_of_anomalies_ends_with_device(self, store):
        await brewer(store, "1")
        await on_usage([used(1, 1)], store)

        [event] = await on_usage([used(1, 1, event_id="again")], store)
        await on_device_deregistered(DeviceDeregistered(customer_id="ann", device_id="brewer", registration=1), store)

        assert store.cause_of(event) == "again"
        assert await store.connection.fetchval("SELECT count(*) FROM anomaly") == 0


class TestSharedCounter:
    @pytest.mark.parametrize("size", [1, 3, 20])
    async def test_shared_counter_is_noticed_within_20_reports(self, store, size):
        await brewer(store, "1", "2", "3")
        reports = shared(1, 20, "123")

        found = await anomalies_of(store, *[reports[n : n + size] for n in range(0, 20, size)])

        assert [code for code, _ in found].count("shared_counter") == 1
        assert len(found) <= 2

    async def test_shared_counter_is_neither_quarantined_nor_loses_reports(self, store):
        await brewer(store, "1", "2")

        found = await anomalies_of(store, shared(1, 50), shared(51, 2600), shared(2651, 20))

        slots = [await slot_of(store, name) for name in "12"]
        assert [(slot.quarantined, slot.gaps, slot.books.used_total) for slot in slots] == [(False, (), 1335)] * 2
        assert store.set_aside == []
        assert "too_many_gaps" not in {code for code, _ in found}

    async def test_backlog_of_shared_counter_in_one_batch_is_not_quarantined(self, store):
        await brewer(store, "1", "2")

        await on_usage(shared(1, 2600), store)

        assert [(await slot_of(store, name)).books.used_total for name in "12"] == [1300, 1300]
        assert [(await slot_of(store, name)).gaps for name in "12"] == [(), ()]

    async def test_lost_report_of_shared_counter_is_applied_late(self, store):
        await brewer(store, "1", "2")
        reports = shared(1, 30)
        lost = reports.pop(20)
        await on_usage(reports[:15], store)
        for report in reports[15:]:
            await on_usage([report], store)

        await on_usage([lost], store)

        assert sum([(await slot_of(store, name)).books.used_total for name in "12"]) == 30
        assert [(await slot_of(store, name)).duplicates for name in "12"] == [0, 0]

    async def test_new_boot_with_own_counters_is_counted_as_usual(self, store):
        await brewer(store, "1", "2")
        await on_usage(shared(1, 20), store)

        await on_usage([used(1, n, "b2", slot=name) for n in (1, 2, 4) for name in "12"], store)

        gaps = [
            [(gap.first, gap.last) for gap in (await slot_of(store, name)).gaps if gap.boot == "b2"] for name in "12"
        ]
        assert gaps == [[(3, 3)], [(3, 3)]]

    async def test_separate_counters_are_quarantined_as_before(self, store):
        await brewer(store, "1", "2")

        found = await anomalies_of(store, [used(1, 2 * n, slot=name) for n in range(1, 1003) for name in "12"])

        assert [(await slot_of(store, name)).quarantined for name in "12"] == [True, True]
        assert {code for code, _ in found} == {"missing_reports", "too_many_gaps"}
