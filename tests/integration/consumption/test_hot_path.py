"""The statement of the hot path and the domain give the same result for all batches."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from libs.kit.testing import store_for
from replenish_contracts.events import AnomalyCode, ThresholdCrossed
from services.consumption.domain.apply import apply_report
from services.consumption.domain.booking import Outcome
from services.consumption.domain.rate import Rate
from services.consumption.domain.trigger import Trigger
from services.consumption.handlers.accounts import on_device_registered
from services.consumption.handlers.reorders import on_trigger_set
from services.consumption.handlers.reports import report_of
from services.consumption.handlers.usage import on_usage
from services.consumption.service import SERVICE
from services.consumption.store import Uses
from tests.integration.consumption import reported
from tests.integration.consumption.reported import at, settled, slot_of, used

NOW = reported.NOON.timestamp()
#: Published by the handler for a device, at most once in some hours, not by the domain for each report.
OF_DEVICE = {AnomalyCode.MISSING_REPORTS, AnomalyCode.REPEATED_REPORTS}


@pytest.fixture
async def store(database):
    async with store_for(SERVICE, database) as opened:
        opened.now = reported.NOON
        yield opened


def said_of(events):
    """Return the contents of events with rounded estimates."""
    told = []
    for event in events:
        fields = event.model_dump()
        fields |= {name: float(f"{fields[name]:.9g}") for name in ("uncertainty", "rate_per_day") if name in fields}
        if fields.get("run_out_at"):
            fields["run_out_at"] = fields["run_out_at"].replace(microsecond=0)
        told.append((type(event).__name__, fields))
    return told


def any_slot(dice, fresh):
    """Draw a slot in a state that the statement processes."""
    level = dice.choice([0, 1, 5, 40, 1000, 10**12])
    reports, below = dice.choice([(1, 0), (1, 0), (3, 1)])
    line = Trigger(
        "ann/pods",
        dice.randint(1, 9),
        dice.choice([0, 20, 1000]),
        dice.choice([0.0, 7.0]),
        dice.choice([-5, 0, 10]),
        reports,
        follow=dice.random() < 0.3,
        armed=dice.random() < 0.8 and reports == 1,
        below=below,
    )
    begun = dice.random() < 0.8
    return replace(
        fresh,
        books=replace(fresh.books, opening=level, received=dice.choice([0, 7]), unreported=dice.choice([0, 7])),
        boot="b1" if begun else None,
        boot_no=dice.randint(1, 3) if begun else 0,
        last_seq=dice.choice([1, 17, 2**50]) if begun else 0,
        rate=Rate(dice.uniform(0.01, 60), dice.uniform(2, 14), at(-dice.choice([0, 0.1, 30, 500])).timestamp()),
        days=replace(fresh.days, before_today=dice.choice([0, 3]), finished=dice.choice([(), (20_000, 5, 60)])),
        variance=dice.uniform(0, 100),
        trigger=line,
    )


class TestTakeUses:
    @pytest.mark.parametrize("seed", range(4))
    async def test_statement_equals_domain(self, store, seed):
        dice = random.Random(seed)
        names = [f"{number:03d}" for number in range(250)]
        await on_device_registered(reported.registered(slots=tuple(map(reported.spec, names))), store)
        places = [("brewer", name) for name in names]
        fresh = await store.lock_slots(places)
        before = {place: any_slot(dice, slot) for place, slot in fresh.items()}
        await store.save_slots(fresh, before.values())
        for slot in before.values():
            await store.save_epoch(slot)
        records = {
            place: used(
                dice.choice([0, 1, 3, 50, 2**40]), slot.last_seq + 1, slot=place[1], when=at(dice.choice([0, -200, 40]))
            )
            for place, slot in before.items()
        }

        uses = []
        for (device, name), record in sorted(records.items()):
            report = report_of(record, before[device, name].spec, NOW)
            uses.append((device, name, "b1", record.data.seq, record.data.quantity, report.used_at, report.received_at))
        applied = await store.apply_uses(Uses(*zip(*uses, strict=True)))

        after = await store.lock_slots(places)
        for n, use in enumerate(uses):
            place = use[:2]
            decision = apply_report(before[place], report_of(records[place], before[place].spec, NOW))
            if n not in applied.positions:
                idle = before[place].level <= 0
                overdrawn = before[place].level < use[4]
                history = before[place].books.used == 0 and use[5] < before[place].rate.until
                assert idle or overdrawn or history
                assert after[place] == before[place]
                continue
            crossed = any(isinstance(event, ThresholdCrossed) for event in decision.events)
            told = replace(after[place], trigger=replace(after[place].trigger, armed=decision.slot.trigger.armed))
            assert settled(told) == settled(decision.slot)
            assert (n in applied.crossed) == crossed
        assert len(applied.positions) > 80
        assert applied.crossed
        assert applied.followed

    async def test_statement_skips_reports_that_are_not_next(self, store):
        names = ("late", "repeated", "jumping", "rebooted", "counting", "doubtful")
        await on_device_registered(reported.registered(slots=tuple(map(reported.spec, names))), store)
        await on_usage([used(1, seq, slot=name) for name in names for seq in (1, 2)], store)
        await on_trigger_set(reported.trigger(slot="counting", reports=2), store)
        slot = await slot_of(store, "doubtful")
        await store.save_slots({("brewer", "doubtful"): slot}, [replace(slot, quarantined=True)])
        seqs = {"late": 1, "repeated": 2, "jumping": 4, "rebooted": 3, "counting": 3, "doubtful": 3}
        boots = {"rebooted": "b2"}

        noon = reported.NOON.timestamp()
        uses = sorted(("brewer", name, boots.get(name, "b1"), seq, 5, noon, noon) for name, seq in seqs.items())
        applied = await store.apply_uses(Uses(*zip(*uses, ("stranger", "1", "b1", 1, 5, noon, noon), strict=True)))

        assert list(applied.positions) == []
        assert {(await slot_of(store, name)).level for name in names} == {98}


def any_report(dice, seqs):
    """Draw a report of a household's devices, in order or not."""
    slot = dice.choice("12345")
    seq, boot = seqs.get(slot, (0, "b1"))
    roll = dice.random()
    if roll < 0.03:
        boot, seq = f"b{int(boot[1:]) + 1}", 0
    if roll < 0.75:
        seq += 1 if roll < 0.68 else dice.randint(2, 4)
        seqs[slot] = seq, boot
    else:
        seq = max(1, seq - dice.randint(0, 5))
    when = at(len(seqs) + dice.random() * 60)
    kind = dice.random()
    if kind < 0.8:
        return used(dice.choice([0, 1, 2, 9]), seq, boot, slot=slot, when=when)
    if kind < 0.9:
        return reported.measured(dice.randint(0, 110), seq, boot, slot=slot, when=when)
    if kind < 0.95:
        return reported.refilled(dice.randint(1, 80), seq, boot, slot=slot, when=when)
    return reported.measured(dice.randint(0, 110), slot=slot, when=when, by="person")


class TestBatches:
    @pytest.mark.parametrize("seed", range(4))
    async def test_batch_equals_single_reports(self, store, seed):
        dice, seqs = random.Random(seed), {}
        await on_device_registered(reported.registered(slots=tuple(map(reported.spec, "12345"))), store)
        for name in "12345":
            await on_trigger_set(reported.trigger(slot=name, at_level=50, follow=name == "5"), store)
        records = [any_report(dice, seqs) for _ in range(400)]
        alone = await store.lock_slots([("brewer", name) for name in "12345"])

        expected, fates, known = [], [], set()
        for record in records:
            place = record.data.device_id, record.data.slot
            name = (place, record.data.occurred_at, getattr(record.data, "level", None))
            if record.data.seq is None and name in known:
                alone[place] = replace(alone[place], duplicates=alone[place].duplicates + 1)
                continue
            known.add(name)
            decision = apply_report(alone[place], report_of(record, alone[place].spec, NOW))
            alone[place] = decision.slot
            fates.append(decision.outcome)
            expected += decision.events
        events, rest = [], records
        while rest:
            size = dice.choice([1, 2, 5, 40])
            batch, rest = rest[:size], rest[size:]
            events += await on_usage(batch, store)

        batched = await store.lock_slots(alone)
        assert {place: settled(slot) for place, slot in batched.items()} == {
            place: settled(slot) for place, slot in alone.items()
        }
        of_slots = [event for event in events if getattr(event, "code", None) not in OF_DEVICE]
        assert sorted(said_of(of_slots), key=str) == sorted(said_of(expected), key=str)
        assert {Outcome.APPLIED, Outcome.DUPLICATE} == set(fates)

    async def test_event_has_its_cause(self, store):
        await on_device_registered(reported.registered(slots=tuple(map(reported.spec, "12"))), store)
        for name in "12":
            await on_trigger_set(reported.trigger(slot=name), store)
        records = [used(90, 1, slot="2", event_id="second"), used(85, 1, slot="1", event_id="first")]
        records += [reported.measured(14, 2, slot="1", event_id="third")]

        events = await on_usage(records, store)

        assert [(event.slot, store.cause_of(event)) for event in events] == [("1", "first"), ("2", "second")]

    async def test_two_reports_of_slot_in_one_batch(self, store):
        await on_device_registered(reported.registered(), store)

        await on_usage([used(3, 1), used(4, 2), used(4, 2)], store)
        await on_usage([used(5, 3), used(6, 4)], store)

        slot = await slot_of(store)
        assert (slot.level, slot.last_seq, slot.duplicates) == (82, 4, 1)


async def test_late_history_is_added_to_stored_days(store):
    await on_device_registered(reported.registered(slots=(reported.spec(),)), store)
    days = [*((day, 0) for day in range(29)), *((day, 1) for day in range(60))]

    for seq, (day, quantity) in enumerate(days, 1):
        store.now = max(store.now, reported.NOON + timedelta(days=day))
        await on_usage([used(quantity, seq, when=reported.NOON + timedelta(days=day))], store)
        await store.file_days(1000)

    filed = await store.list_filed_days("brewer", "1", 0, 1000)
    assert sum(day.used for day in [*filed, *(await slot_of(store)).days_so_far()]) == 60


async def test_reports_of_a_year_keep_days(store):
    await on_device_registered(reported.registered(slots=(reported.spec(level=10**6, capacity=10**6),)), store)

    for day in range(365):
        store.now = reported.NOON + timedelta(days=day)
        await on_usage([used(day, day + 1, when=store.now)], store)
        await store.file_days(1000)

    slot = await slot_of(store)
    filed = await store.list_filed_days("brewer", "1", 0, 1000)
    assert [day.used for day in [*filed, *slot.days_so_far()]] == list(range(365))
    assert len(slot.days.finished) < 29 * 3
