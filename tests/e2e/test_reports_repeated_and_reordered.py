"""Repeated and reordered reports give the same level as each report once in order."""

import random

import pytest

from tests.support import households as a

#: Reports of the device, and the level after each. It was loaded by hand: the second reading confirms the rise.
STORY = (
    ("SlotUsed", {"quantity": 2}, 8),
    ("SlotUsed", {"quantity": 1}, 7),
    ("SlotMeasured", {"level": 40}, 7),
    ("SlotMeasured", {"level": 40}, 40),
    ("SlotUsed", {"quantity": 5}, 35),
    ("SlotRefilled", {"quantity": 10}, 45),
    ("SlotUsed", {"quantity": 30}, 15),
    ("SlotUsed", {"quantity": 4}, 11),
    ("SlotMeasured", {"level": 12}, 12),
    ("SlotUsed", {"quantity": 6}, 6),
    ("SlotUsed", {"quantity": 3}, 3),
)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_reordered_reports_give_same_level_and_one_order(world, seed):
    home = await world.move_in(a.household(level=10, at_level=3))
    reports = [home.counted(kind, **fields) for kind, fields, _ in STORY]

    shuffled = reports * 2
    random.Random(seed).shuffle(shuffled)
    for first in range(0, len(shuffled), 5):
        await home.reports(*shuffled[first : first + 5])

    slot = await home.slot()
    assert slot["level_steps"] == STORY[-1][2]
    assert slot["books"]["used_steps"] >= 51
    assert slot["books"]["duplicate_reports"] == len(STORY)
    [order] = await home.orders()
    await home.is_supplied(order)
    assert home.mails() == ["Ordered: Coffee pods"]
    assert await home.orders_again() != order


async def test_reports_in_order_give_each_level(world):
    home = await world.move_in(a.household(level=10, at_level=3))

    for kind, fields, level in STORY:
        await home.reports(home.counted(kind, **fields))
        assert await home.level() == level

    assert len(await home.orders()) == 1


async def test_restarted_counter_loses_no_report(world):
    home = await world.move_in(a.household(level=10, at_level=3))
    before = [home.counted("SlotUsed", quantity=1) for _ in range(3)]

    home.restarts_counter()
    after = [home.counted("SlotUsed", quantity=1) for _ in range(3)]
    await home.reports(before[0], after[0])
    await home.reports(after[2], before[2], before[2])
    await home.reports(before[1], after[1], after[0])

    assert await home.level() == 4
    assert await home.orders() == []
    await home.uses(1)
    assert len(await home.orders()) == 1


async def test_report_with_id_is_counted_once(world):
    home = await world.move_in(a.household(level=10, at_level=3))
    at = world.clock.now().isoformat()
    place = {"device_id": home.device_id, "slot": "1", "unit": "count", "occurred_at": at}
    named = {"type": "SlotUsed", "quantity": 2, "id": "monday's first", **place}
    seen = {"type": "SlotMeasured", "level": 6, **place}

    await home.reports(named, named)
    await home.reports(seen, named, seen)

    assert await home.level() == 6
    assert (await home.slot())["books"]["duplicate_reports"] == 3
