"""Simulation of slots, reports of their devices, and the choice of households."""

from datetime import UTC, date, datetime, timedelta

from deploy.demo.consumables import CONSUMABLES, consumable_of
from deploy.demo.households import FIRST_DAY, Slot, choose_households
from deploy.demo.reporting import Sender
from deploy.demo.series import Series, read_series
from deploy.demo.slot_simulation import DeviceEvent, SlotSimulation

EVENING = datetime(2021, 1, 1, 20, tzinfo=UTC)


def slot(category: str, *uses: int, packs: int = 1) -> Slot:
    return Slot("d", "1", Series(1, category, FIRST_DAY, uses, packs, 999), consumable_of(category))


class TestPantry:
    def test_use_is_limited_by_stock(self):
        simulation = SlotSimulation.at_start(slot("pet-food", 700, 700))

        first, second = (
            list(simulation.simulate_day(FIRST_DAY)),
            list(simulation.simulate_day(FIRST_DAY + timedelta(days=1))),
        )

        assert first == [DeviceEvent("SlotUsed", 700)]
        assert second == [DeviceEvent("SlotUsed", 300)]
        assert (simulation.level, simulation.stockout_days) == (0, 1)

    def test_receive_fills_direct_slot(self):
        simulation = SlotSimulation.at_start(slot("pet-food", 900, 500, 100))
        list(simulation.simulate_day(FIRST_DAY))

        simulation.receive(1000, FIRST_DAY + timedelta(days=1))

        assert (simulation.level, simulation.shelf) == (1100, 0)
        assert simulation.cover_days == [0]

    def test_shelf_is_loaded_by_hand_and_reported(self):
        simulation = SlotSimulation.at_start(slot("coffee", 900))
        simulation.receive(1000, FIRST_DAY)
        list(simulation.simulate_day(FIRST_DAY))

        events = list(simulation.simulate_day(FIRST_DAY + timedelta(days=1)))

        assert events == [DeviceEvent("SlotRefilled", 1000)]
        assert (simulation.level, simulation.shelf) == (1100, 0)

    def test_empty_cartridge_is_replaced_during_the_day(self):
        simulation = SlotSimulation.at_start(slot("hvac-air-filter", 1500, packs=2))

        events = list(simulation.simulate_day(FIRST_DAY))

        assert events == [
            DeviceEvent("SlotUsed", 1000),
            DeviceEvent("SlotRefilled", None),
            DeviceEvent("SlotUsed", 500),
        ]
        assert (simulation.level, simulation.shelf, simulation.stockout_days) == (500, 0, 0)


class TestSender:
    def test_repeated_and_late_reports_have_stable_identities_and_none_is_lost(self):
        sender = Sender("d", [slot("pet-food")], seed=3)
        sent, used = {}, 0

        for day in range(2000):
            on = FIRST_DAY + timedelta(days=day)
            used += 2 * day
            for body in sender.posts(on, EVENING + timedelta(days=day), {"1": [DeviceEvent("SlotUsed", day)] * 2}):
                for report in body:
                    known = sent.setdefault((report["boot"], report["seq"]), report)
                    assert known == report
        for report in sender.rest():
            sent[report["boot"], report["seq"]] = report

        steps = sum(round(float(r["quantity"]) * (1000 if r["unit"] == "kg" else 1)) for r in sent.values())
        assert steps == used
        assert min(sender.doubled, sender.late, sender.reboots) > 0

    def test_format_is_exact_in_every_unit(self):
        for consumable in CONSUMABLES.values():
            for number, (unit, per) in enumerate(consumable.spellings):
                quantity, reported_unit = consumable.format(1234, spelling=number)

                assert reported_unit == unit
                assert float(quantity) * per == 1234


class TestChooseHouseholds:
    def test_choose_households_depends_on_seed_only(self):
        series = read_series()

        chosen = choose_households(series, 30, 365, seed=1)

        assert [one.number for one in chosen] == [one.number for one in choose_households(series, 30, 365, seed=1)]
        assert len(chosen) == 30
        assert all(one.slots for one in chosen)
        assert all(slot.series.used_between(FIRST_DAY, date(2021, 12, 31)) for one in chosen for slot in one.slots)
