"""Database changes and events of the handlers; every handler is called twice."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from libs.kit import NotReadyError, RejectedError
from libs.kit.testing import store_for
from replenish_contracts.events import (
    FIRST_LINE,
    CustomerErased,
    DeviceDeregistered,
    DeviceReplaced,
    FillCause,
    SlotAnomalyDetected,
    SlotFilled,
    SlotLevelChanged,
    SlotMove,
    ThresholdCrossed,
)
from services.consumption.domain.gaps import Gap
from services.consumption.handlers import upkeep
from services.consumption.handlers.accounts import (
    on_customer_erased,
    on_device_deregistered,
    on_device_registered,
    on_device_replaced,
)
from services.consumption.handlers.reorders import on_order_delivered, on_trigger_set
from services.consumption.handlers.usage import on_usage
from services.consumption.service import SERVICE
from tests.integration.consumption.reported import (
    NOON,
    at,
    delivered,
    line,
    measured,
    refilled,
    registered,
    slot_of,
    spec,
    trigger,
    used,
)

TABLES = ("slot", "slot_spec", "gap", "known_report", "loaded_line", "used_days", "successor", "device")


@pytest.fixture
async def store(database):
    async with store_for(SERVICE, database) as opened:
        opened.now = NOON
        yield opened


def replaced(moves=(("1", "1"),), slots=None, registration=2, device_id="brewer-2", replaces="brewer"):
    return DeviceReplaced(
        customer_id="ann",
        device_id=device_id,
        registration=registration,
        replaces=replaces,
        credential_sha256="1" * 64,
        slots=slots or (spec(),),
        moves=tuple(SlotMove(old_slot=old, new_slot=new) for old, new in moves),
    )


def deregistered(registration=1, device_id="brewer"):
    return DeviceDeregistered(customer_id="ann", device_id=device_id, registration=registration)


async def rows_about(store, device_id="brewer"):
    counts = [
        await store.connection.fetchval(f"SELECT count(*) FROM {table} WHERE device_id = $1", device_id)
        for table in TABLES
    ]
    return sum(counts)


async def parked(store, *records):
    await on_usage(records, store)
    found = [(trouble.reason, trouble.waits_for, trouble.dead_letter) for trouble in store.set_aside]
    store.set_aside.clear()
    return found


class TestRegistration:
    async def test_registration_sets_initial_level(self, store):
        for _ in range(2):
            await on_device_registered(registered(slots=(spec(level=30), spec("2", level=70))), store)

        assert [(slot.slot, slot.level) for slot in await store.list_slots("brewer")] == [("1", 30), ("2", 70)]
        assert store.resolved_dependencies == {"device:brewer"}

    async def test_older_registration_changes_nothing(self, store):
        await on_device_registered(registered(registration=3), store)
        await on_usage([used(5, 1)], store)

        await on_device_registered(registered(registration=2), store)

        assert (await slot_of(store)).level == 95

    async def test_newer_registration_of_other_customer_resets_slot(self, store):
        await on_device_registered(registered(), store)
        await on_usage([used(5, 1)], store)

        await on_device_registered(registered(registration=2, customer_id="bob"), store)
        await on_device_deregistered(deregistered(registration=1), store)

        slot = await slot_of(store)
        assert (slot.spec.customer_id, slot.level, slot.last_seq) == ("bob", 100, 0)


class TestDeregistration:
    async def test_deregistration_keeps_only_ended_device(self, store):
        await on_device_registered(registered(slots=(spec(loading="direct"),)), store)
        await on_usage([used(5, 1), used(5, 3), measured(50, by="person")], store)
        await on_order_delivered(delivered(), store)

        for _ in range(2):
            await on_device_deregistered(deregistered(), store)

        assert await rows_about(store) == 0
        assert (await store.find_device("brewer")).end_reason == "deregistered"

    async def test_report_after_deregistration_becomes_dead_letter(self, store):
        await on_device_registered(registered(), store)
        await on_device_deregistered(deregistered(), store)

        assert await parked(store, used(5, 1)) == [("device was deregistered", None, True)]

    async def test_trigger_and_arrival_after_deregistration_are_ignored(self, store):
        await on_device_registered(registered(), store)
        await on_device_deregistered(deregistered(), store)

        assert await on_trigger_set(trigger(), store) == []
        assert await on_order_delivered(delivered(), store) == []

    async def test_device_can_be_registered_again(self, store):
        await on_device_registered(registered(), store)
        await on_device_deregistered(deregistered(), store)

        await on_device_registered(registered(registration=2, slots=(spec(level=10),)), store)
        await on_usage([used(3, 1)], store)

        assert (await slot_of(store)).level == 7

    async def test_erased_customer_ends_all_devices(self, store):
        await on_device_registered(registered(), store)
        await on_device_registered(registered("jar"), store)
        await on_device_registered(registered("foreign", customer_id="bob"), store)

        await on_customer_erased(CustomerErased(customer_id="ann"), store)

        assert (await rows_about(store), await rows_about(store, "jar")) == (0, 0)
        assert (await slot_of(store, device_id="foreign")).level == 100
        assert (await store.find_device("jar")).end_reason == "erased"


class TestReplacement:
    async def replace_worn_out_brewer(self, store, **changes):
        await on_device_registered(registered(slots=(spec(), spec("2", product_id="milk"))), store)
        await on_trigger_set(trigger(epoch=4, at_level=20, follow=True), store)
        await on_usage([used(60, 1, when=at(100))], store)
        return await on_device_replaced(replaced(**changes), store)

    async def test_replacement_takes_over_level_rate_and_trigger(self, store):
        said = await self.replace_worn_out_brewer(store, moves=(("1", "a"),), slots=(spec("a"), spec("b")))
        events = await on_usage([used(20, 1, device_id="brewer-2", slot="a", when=at(200))], store)

        heir, fresh = await slot_of(store, "a", "brewer-2"), await slot_of(store, "b", "brewer-2")
        assert (heir.level, heir.books.opening, fresh.level) == (20, 40, 100)
        assert heir.rate.per_day > fresh.rate.per_day
        assert [(type(event), event.device_id, event.level) for event in said] == [(SlotLevelChanged, "brewer-2", 40)]
        [crossed] = [event for event in events if isinstance(event, ThresholdCrossed)]
        assert (crossed.epoch, crossed.device_id, crossed.slot) == (4, "brewer-2", "a")

    async def test_replacement_takes_over_stored_and_open_days(self, store):
        await on_device_registered(registered(slots=(spec(level=10**6, capacity=10**6),)), store)
        for day in range(40):
            await on_usage([used(day, day + 1, when=at(24 * day))], store)
        await store.file_days(10)

        await on_device_replaced(replaced(slots=(spec("1", capacity=10**6),)), store)

        filed = await store.list_filed_days("brewer-2", "1", 0, 100)
        open_days = (await slot_of(store, "1", "brewer-2")).days_so_far()
        assert [day.used for day in [*filed, *open_days]] == list(range(40))

    async def test_report_of_replaced_device_becomes_dead_letter(self, store):
        await self.replace_worn_out_brewer(store)

        assert await parked(store, used(5, 2)) == [("device was replaced", None, True)]
        assert await rows_about(store) == 1  # the target slot

    async def test_arrival_for_old_slot_goes_to_new_slot(self, store):
        await self.replace_worn_out_brewer(store, moves=(("1", "a"),), slots=(spec("a", loading="direct"),))
        chained = replaced((("a", "z"),), (spec("z", loading="direct"),), 3, "brewer-3", "brewer-2")
        await on_device_replaced(chained, store)

        [filled, *_] = await on_order_delivered(delivered(), store)
        answer = await on_trigger_set(trigger(epoch=5, at_level=95), store)

        assert (filled.device_id, filled.slot, filled.level) == ("brewer-3", "z", 90)
        assert [(event.device_id, event.slot, event.epoch) for event in answer] == [("brewer-3", "z", 5)]

    async def test_replacement_in_other_unit_takes_over_nothing(self, store):
        await self.replace_worn_out_brewer(store, slots=(spec(unit="GRM", level=7),))

        slot = await slot_of(store, "1", "brewer-2")
        assert (slot.level, slot.trigger.epoch) == (7, 0)

    async def test_replacement_is_idempotent(self, store):
        await self.replace_worn_out_brewer(store)
        await on_usage([used(1, 1, device_id="brewer-2")], store)

        assert await on_device_replaced(replaced(), store) == []
        assert (await slot_of(store, "1", "brewer-2")).level == 39


class TestRejectedReports:
    async def test_report_of_unknown_device_is_deferred(self, store):
        assert await parked(store, used(5, 1), measured(5, 2)) == 2 * [
            ("waits for device:brewer", "device:brewer", False)
        ]

    async def test_report_of_unknown_slot_becomes_dead_letter(self, store):
        await on_device_registered(registered(), store)

        assert await parked(store, used(5, 1, slot="9")) == [("device brewer has no slot 9", None, True)]

    async def test_invalid_report_becomes_dead_letter(self, store):
        await on_device_registered(registered(), store)

        [(reason, _, park)] = await parked(store, used(2**52, 1))

        assert (reason, park) == (f"{2**52} steps in one report are implausible", True)

    async def test_rejected_report_does_not_block_batch(self, store):
        await on_device_registered(registered(), store)

        await on_usage([used(1, 1, slot="9"), used(5, 1), used(1, 1, device_id="stranger")], store)

        assert (await slot_of(store)).level == 95
        assert len(store.set_aside) == 2

    async def test_rejected_report_is_not_recorded(self, store):
        await on_device_registered(registered(), store)
        slot = await slot_of(store)
        await store.save_slots({("brewer", "1"): slot}, [replace(slot, quarantined=True)])
        report = used(5, report_id="r1")
        assert [park for _, _, park in await parked(store, report)] == [True]

        await on_usage([measured(80, by="person")], store)
        await on_usage([report], store)

        assert (await slot_of(store)).level == 75


class TestReceiptTime:
    """Manufacturers publish reports directly, also from devices with wrong clocks."""

    @pytest.mark.parametrize("year", [1970, 9999])
    @pytest.mark.parametrize("kind", [used, measured])
    async def test_implausible_receipt_time_counts_as_now(self, store, year, kind):
        await on_device_registered(registered(slots=(spec(level=40),)), store)
        await on_trigger_set(trigger(at_level=35), store)
        then = datetime(year, 12, 31, 23, 59, tzinfo=timezone(timedelta(hours=-14 if year == 9999 else 14)))

        await on_usage([kind(30, 1, when=then)], store)
        said = await on_usage([used(1, 2, when=at(1)), kind(3, 3, when=then), used(1, 4, when=at(2))], store)

        slot = await slot_of(store)
        assert (slot.last_seq, slot.gaps, store.set_aside) == (4, (), [])
        assert abs(slot.rate.until - at(2).timestamp()) <= 1
        assert abs(slot.run_out_after(slot.rate.until) - slot.rate.until) < 366 * 86_400
        assert {type(event) for event in said} <= {ThresholdCrossed, SlotFilled, SlotAnomalyDetected}


class TestUncountedReports:
    @pytest.mark.parametrize(
        ("first", "again"),
        [
            (used(5, report_id="r1"), used(5, report_id="r1", when=at(3))),
            (used(5, event_id="e-one"), used(5, event_id="e-one", when=at(3))),
            (measured(95), measured(95, received_at=at(5))),
            (refilled(5, report_id="r1"), refilled(5, report_id="r1")),
        ],
    )
    async def test_uncounted_report_applies_once_over_batches(self, store, first, again):
        await on_device_registered(registered(), store)

        await on_usage([first, again], store)
        await on_usage([again, used(1, 1)], store)
        await on_usage([again], store)

        slot = await slot_of(store)
        assert slot.level in {94, 104}
        assert slot.duplicates == 3

    async def test_uncounted_reports_are_deleted_after_retention(self, store):
        await on_device_registered(registered(), store)
        await on_usage([used(5, report_id="old")], store)
        store.now = NOON + timedelta(days=20)
        await on_usage([used(5, report_id="new")], store)

        store.now = NOON + timedelta(days=40)
        await upkeep.delete_report_identities(store)

        left = await store.connection.fetch("SELECT identity FROM known_report")
        assert [row["identity"] for row in left] == ["new"]


class TestGaps:
    async def test_gaps_are_stored_and_closed(self, store):
        await on_device_registered(registered(), store)
        await on_usage([used(1, 1), used(1, 5)], store)
        await on_usage([used(1, 1, "b2")], store)
        await on_usage([used(1, 3), measured(90, 4), used(1, 2, "b2")], store)

        slot = await slot_of(store)
        assert [(gap.boot, gap.first, gap.last) for gap in slot.gaps] == [("b1", 2, 2), ("b1", 6, None)]
        assert slot.level == 90 - 3
        assert slot.gaps[0].next_reading.level == 90

    async def test_filled_gap_leaves_no_row(self, store):
        await on_device_registered(registered(), store)
        await on_usage([used(1, 1), used(1, 4)], store)
        await on_usage([used(1, 2)], store)
        await on_usage([used(1, 3)], store)

        assert (await slot_of(store)).gaps == ()
        assert await store.connection.fetchval("SELECT count(*) FROM gap") == 0

    async def test_gap_is_dropped_after_retention(self, store):
        await on_device_registered(registered(), store)
        await on_usage([used(1, 1), used(1, 3)], store)
        store.now = NOON + timedelta(days=91)

        await upkeep.give_up_gaps(store)

        [(reason, _, park)] = await parked(store, used(1, 2))
        assert (park, "given up" in reason) == (True, True)

    async def test_only_changed_gaps_are_written(self, store):
        await on_device_registered(registered(slots=(spec(level=10**6, capacity=10**6),)), store)
        for start in range(0, 600, 100):
            await on_usage([used(1, 2 * n) for n in range(start + 1, start + 101)], store)
        before = await slot_of(store)
        gaps = list(before.gaps)
        gaps[7] = Gap(**{name: getattr(gaps[7], name) for name in Gap.__dataclass_fields__} | {"variance": 5.0})

        await store.save_slots({("brewer", "1"): before}, [replace(before, gaps=tuple(gaps))])

        assert (await slot_of(store)).gaps[7].variance == 5
        assert len((await slot_of(store)).gaps) == 600


class TestTriggerSet:
    async def test_trigger_crosses_at_once_or_at_later_report(self, store):
        await on_device_registered(registered(), store)

        waiting = await on_trigger_set(trigger(epoch=1, at_level=20), store)
        answer = await on_usage([used(80, 1)], store)
        at_once = await on_trigger_set(trigger(epoch=2, at_level=20), store)

        assert waiting == []
        assert [(type(event), event.epoch) for event in answer] == [(ThresholdCrossed, 1)]
        assert [(type(event), event.epoch) for event in at_once] == [(ThresholdCrossed, 2)]

    async def test_repeated_trigger_crosses_once(self, store):
        await on_device_registered(registered(), store)
        await on_trigger_set(trigger(at_level=100), store)

        assert await on_trigger_set(trigger(at_level=100), store) == []
        assert await on_usage([used(1, 1), used(1, 2)], store) == []

    async def test_trigger_of_older_epoch_is_ignored(self, store):
        await on_device_registered(registered(), store)
        await on_trigger_set(trigger(epoch=3, at_level=0), store)

        assert await on_trigger_set(trigger(epoch=2, at_level=100), store) == []
        assert (await slot_of(store)).trigger.epoch == 3

    async def test_trigger_waits_for_device_and_refuses_unknown_slot(self, store):
        with pytest.raises(NotReadyError, match="device:brewer"):
            await on_trigger_set(trigger(), store)
        await on_device_registered(registered(), store)

        with pytest.raises(RejectedError, match="no slot 9"):
            await on_trigger_set(trigger(slot="9"), store)

    async def test_low_reports_are_counted_over_batches(self, store):
        await on_device_registered(registered(), store)
        await on_trigger_set(trigger(at_level=90, reports=3), store)

        told = [await on_usage([used(10, seq)], store) for seq in range(1, 5)]

        assert [[event.level for event in events] for events in told] == [[], [], [70], []]

    async def test_correction_up_then_down_crosses_once(self, store):
        await on_device_registered(registered(slots=(spec(level=10),)), store)
        [crossed] = await on_trigger_set(trigger(epoch=1, at_level=20), store)
        up = await on_usage([measured(80, by="person", when=at(1))], store)
        rearmed = await on_trigger_set(trigger(epoch=2, at_level=20), store)
        down = await on_usage([measured(15, by="person", when=at(2))], store)

        assert crossed.epoch == 1
        assert [event.difference for event in up] == [70]
        assert rearmed == []
        assert [getattr(event, "epoch", event.level) for event in down] == [15, 2]


class TestReturnedDevice:
    """Topics are consumed in parallel: events from before the removal or after the return arrive in any order."""

    async def gone(self, store):
        await on_device_registered(registered(slots=(spec(loading="direct"),)), store)
        await on_device_deregistered(deregistered(), store)

    async def test_trigger_waits_for_new_registration(self, store):
        await self.gone(store)

        with pytest.raises(NotReadyError, match="device:brewer"):
            await on_trigger_set(trigger(registration=2, at_level=100), store)
        await on_device_registered(registered(registration=2), store)

        assert [event.epoch for event in await on_trigger_set(trigger(registration=2, at_level=100), store)] == [1]

    async def test_trigger_waits_while_deregistration_is_pending(self, store):
        await on_device_registered(registered(), store)

        with pytest.raises(NotReadyError, match="device:brewer"):
            await on_trigger_set(trigger(registration=2), store)

    async def test_trigger_of_earlier_registration_is_ignored(self, store):
        await self.gone(store)
        await on_device_registered(registered(registration=2), store)

        assert await on_trigger_set(trigger(epoch=7, at_level=100, registration=1), store) == []
        assert (await slot_of(store)).trigger.epoch == 0

    @pytest.mark.parametrize("kind", [used, measured, refilled])
    async def test_reports_wait_for_new_registration(self, store, kind):
        await self.gone(store)
        report = kind(30, 1, "b2", registration=2)

        assert await parked(store, report) == [("waits for device:brewer", "device:brewer", False)]
        await on_device_registered(registered(registration=2), store)
        await on_usage([report], store)

        assert (await slot_of(store)).last_seq == 1

    @pytest.mark.parametrize("before", [(), (used(1, 1), used(1, 2))])
    async def test_reports_wait_while_deregistration_is_pending(self, store, before):
        await on_device_registered(registered(), store)

        found = await parked(store, *before, used(30, len(before) + 1, registration=2))

        assert found == [("waits for device:brewer", "device:brewer", False)]
        assert (await slot_of(store)).level == 100 - len(before)

    async def test_late_reports_of_earlier_registration_are_rejected(self, store):
        await self.gone(store)
        await on_device_registered(registered(registration=2), store)

        found = await parked(store, used(5, 9, registration=1), used(5, 1, registration=2))

        assert found == [("the report belongs to registration 1 of the device, which has ended", None, True)]
        assert (await slot_of(store)).level == 95

    @pytest.mark.parametrize("said", [(on_trigger_set, trigger(epoch=7)), (on_order_delivered, delivered())])
    async def test_device_of_other_customer_starts_fresh(self, store, said):
        handler, event = said
        await self.gone(store)
        back = registered(registration=2, customer_id="bob", slots=(spec(level=10, loading="direct"),))
        await on_device_registered(back, store)

        assert await handler(event, store) == []
        slot = await slot_of(store)
        assert (slot.level, slot.trigger.epoch) == (10, 0)

    @pytest.mark.parametrize("said", [(on_trigger_set, trigger()), (on_order_delivered, delivered())])
    async def test_records_of_former_slots_do_not_block(self, store, said):
        handler, event = said
        await self.gone(store)
        await on_device_registered(registered(registration=2, slots=(spec("a"),)), store)

        assert await handler(event, store) == []


class TestArrivals:
    async def test_arrival_raises_direct_slot_once_per_order(self, store):
        await on_device_registered(registered(slots=(spec(level=10, loading="direct"),)), store)

        [filled] = await on_order_delivered(delivered(), store)

        assert (filled.quantity, filled.level, filled.cause, filled.order_id) == (50, 60, FillCause.ARRIVAL, "o1")
        assert await on_order_delivered(delivered(), store) == []
        assert (await slot_of(store)).level == 60

    async def test_arrival_fills_replaced_cartridge(self, store):
        await on_device_registered(registered(slots=(spec(level=10, loading="direct", fill="replace"),)), store)

        [filled] = await on_order_delivered(delivered(quantity=200), store)

        assert (filled.quantity, filled.level) == (90, 100)

    async def test_arrival_raises_the_slot_of_each_line_once(self, store):
        """Beans (by hand) wait for a report; the lines of a later event are those that arrived later."""
        slots = (spec(level=10, loading="direct"), spec("2", level=20, loading="direct"), spec("3", level=30))
        await on_device_registered(registered(slots=slots), store)
        pods, tea, beans = line("pods", "1", 50), line("tea", "2", 40), line("beans", "3", 30)

        first = await on_order_delivered(delivered(lines=(pods, beans)), store)
        again = await on_order_delivered(delivered(lines=(tea, pods)), store)
        late = await on_order_delivered(delivered(lines=(pods, tea, beans)), store)

        found = [[(one.slot, one.quantity, one.level) for one in events] for events in (first, again, late)]
        assert found == [[("1", 50, 60)], [("2", 40, 60)], []]
        assert [(await slot_of(store, slot)).level for slot in ("1", "2", "3")] == [60, 60, 30]

    async def test_two_lines_for_one_slot_are_both_loaded(self, store):
        await on_device_registered(registered(slots=(spec(level=10, loading="direct"),)), store)

        events = await on_order_delivered(delivered(lines=(line("pods", "1", 50), line("decaf", "1", 20))), store)

        assert [event.level for event in events] == [60, 80]
        assert (await slot_of(store)).level == 80

    async def test_no_line_is_loaded_before_all_devices_are_registered(self, store):
        await on_device_registered(registered(slots=(spec(level=10, loading="direct"),)), store)
        lines = line("pods", "1", 50), line("tea", "1", 40, device_id="kettle")

        with pytest.raises(NotReadyError, match="device:kettle"):
            await on_order_delivered(delivered(lines=lines), store)

        assert (await slot_of(store)).level == 10

    async def test_lines_follow_replaced_slots(self, store):
        slots = (spec(level=10, loading="direct"), spec("2", level=20, loading="direct"))
        await on_device_registered(registered(slots=slots), store)
        await on_device_replaced(replaced((("1", "a"), ("2", "b")), (spec("a", loading="direct"), spec("b"))), store)

        events = await on_order_delivered(delivered(lines=(line("pods", "1", 5), line("tea", "2", 5))), store)

        assert [(event.device_id, event.slot, event.quantity) for event in events] == [("brewer-2", "a", 5)]

    async def test_first_line_of_an_event_with_lines_is_that_of_one_without(self, store):
        await on_device_registered(registered(slots=(spec(level=10, loading="direct"),)), store)

        await on_order_delivered(delivered(), store)
        again = await on_order_delivered(delivered(lines=(line(FIRST_LINE, "1", 50),)), store)

        assert again == []

    async def test_arrival_does_not_change_slot_loaded_by_hand(self, store):
        await on_device_registered(registered(slots=(spec(level=10),)), store)

        assert await on_order_delivered(delivered(), store) == []
        assert (await slot_of(store)).level == 10


class TestRefills:
    async def test_refill_without_quantity_fills_slot(self, store):
        await on_device_registered(registered(slots=(spec(level=10), spec("2", level=10, fill="replace"))), store)

        events = await on_usage([refilled(by="person"), refilled(30, slot="2")], store)

        assert [(type(event), event.quantity, event.level) for event in events] == 2 * [(SlotFilled, 90, 100)]


class TestChecks:
    async def test_checks_find_nothing_after_all_kinds_of_reports(self, store):
        await on_device_registered(registered(slots=(spec(), spec("2"))), store)
        await on_usage([used(1, 1), used(1, 5), used(1, 3, "b2"), measured(10, 4), refilled(9, 9, "b2")], store)
        await on_usage([measured(10, 1, slot="2", when=at(1))], store)
        store.now = at(30)
        await upkeep.count_due_readings(store)
        await on_usage([measured(60, 2, slot="2", when=at(30))], store)

        assert await self.problems(store) == []

    @pytest.mark.parametrize(
        "damage",
        [
            "UPDATE slot SET gaps = gaps + 1",
            "DELETE FROM slot_spec",
            "DELETE FROM device",
            "UPDATE gap SET last_seq = 100 WHERE boot_no = 1 AND first_seq = 2",
            "UPDATE slot SET last_seq = 1, boot_no = 1",
            "UPDATE slot SET quarantined = true",
            "UPDATE slot SET jumped = false",
            "UPDATE slot SET plain = true",
            "DELETE FROM pending_reading",
        ],
    )
    async def test_checks_find_damage(self, store, damage):
        await on_device_registered(registered(slots=(spec(), spec("2"))), store)
        await on_usage([used(1, 1), used(1, 5), used(1, 3, "b2"), measured(10, 1, slot="2")], store)

        await store.connection.execute(damage)

        assert await self.problems(store) != []

    @staticmethod
    async def problems(store):
        views = await store.connection.fetch(
            "SELECT table_name FROM information_schema.views WHERE table_schema = 'consumption' AND table_name LIKE 'check%'"
        )
        assert len(views) == 7
        return [
            row for (view,) in views for row in await store.connection.fetch(f"SELECT subject, problem FROM {view}")
        ]
