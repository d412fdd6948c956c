"""Simulated households conserve goods, and devices report each use exactly once by identity."""

from datetime import UTC, date, datetime, timedelta

from deploy.demo.consumables import CONSUMABLES, consumable_of
from deploy.demo.households import FIRST_DAY, Slot, choose_households
from deploy.demo.life import Pantry, Seen
from deploy.demo.reporting import Sender
from deploy.demo.series import Series, read_series

EVENING = datetime(2021, 1, 1, 20, tzinfo=UTC)


def slot(category: str, *uses: int, packs: int = 1) -> Slot:
    return Slot("d", "1", Series(1, category, FIRST_DAY, uses, packs, 999), consumable_of(category))


class TestPantry:
    def test_use_is_limited_by_stock(self):
        pantry = Pantry.at_start(slot("pet-food", 700, 700))

        first, second = list(pantry.live(FIRST_DAY)), list(pantry.live(FIRST_DAY + timedelta(days=1)))

        assert first == [Seen("SlotUsed", 700)]
        assert second == [Seen("SlotUsed", 300)]
        assert (pantry.inside, pantry.stockout_days) == (0, 1)

    def test_parcel_fills_direct_slot(self):
        pantry = Pantry.at_start(slot("pet-food", 900, 500, 100))
        list(pantry.live(FIRST_DAY))

        pantry.receive(1000, FIRST_DAY + timedelta(days=1))

        assert (pantry.inside, pantry.beside) == (1100, 0)
        assert pantry.cover_days == [0]

    def test_parcel_is_loaded_by_hand_and_reported(self):
        pantry = Pantry.at_start(slot("coffee", 900))
        pantry.receive(1000, FIRST_DAY)
        list(pantry.live(FIRST_DAY))

        happened = list(pantry.live(FIRST_DAY + timedelta(days=1)))

        assert happened == [Seen("SlotRefilled", 1000)]
        assert (pantry.inside, pantry.beside) == (1100, 0)

    def test_empty_cartridge_is_replaced_during_day(self):
        pantry = Pantry.at_start(slot("hvac-air-filter", 1500, packs=2))

        happened = list(pantry.live(FIRST_DAY))

        assert happened == [Seen("SlotUsed", 1000), Seen("SlotRefilled", None), Seen("SlotUsed", 500)]
        assert (pantry.inside, pantry.beside, pantry.stockout_days) == (500, 0, 0)


class TestSender:
    def test_faulty_sender_loses_no_report(self):
        sender = Sender("d", [slot("pet-food")], seed=3)
        sent, used = {}, 0

        for day in range(2000):
            on = FIRST_DAY + timedelta(days=day)
            used += 2 * day
            for body in sender.posts(on, EVENING + timedelta(days=day), {"1": [Seen("SlotUsed", day)] * 2}):
                for report in body:
                    known = sent.setdefault((report["boot"], report["seq"]), report)
                    assert known == report
        for report in sender.rest():
            sent[report["boot"], report["seq"]] = report

        steps = sum(round(float(r["quantity"]) * (1000 if r["unit"] == "kg" else 1)) for r in sent.values())
        assert steps == used
        assert min(sender.doubled, sender.late, sender.reboots) > 0

    def test_amounts_are_exact_in_every_unit(self):
        for consumable in CONSUMABLES.values():
            for number, (unit, per) in enumerate(consumable.spellings):
                quantity, said = consumable.said(1234, spelling=number)

                assert said == unit
                assert float(quantity) * per == 1234


class TestChooseHouseholds:
    def test_same_seed_chooses_same_households(self):
        series = read_series()

        chosen = choose_households(series, 30, 365, seed=1)

        assert [one.number for one in chosen] == [one.number for one in choose_households(series, 30, 365, seed=1)]
        assert len(chosen) == 30
        assert all(one.slots for one in chosen)
        assert all(slot.series.used_between(FIRST_DAY, date(2021, 12, 31)) for one in chosen for slot in one.slots)
