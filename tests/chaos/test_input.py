"""Repeated, reordered, early and unreadable records while services are killed."""

import asyncio

from deploy.local.waiting import until
from tests.support import households as a
from tests.support.proxy import BEFORE, commit_of


async def test_repeated_reports_count_once_while_consumer_is_killed(world, dice):
    home = await world.move_in(a.household(level=5000, at_level=0, capacity=10_000, subscribes=False))
    used = [dice.randint(1, 9) for _ in range(120)]
    reports = [home.counted("SlotUsed", quantity=quantity) for quantity in used]
    sent = [report for report in reports for _ in range(dice.choice([1, 1, 2, 3]))]
    sent.sort(key=lambda report: report["seq"] + dice.uniform(0, 25))

    for n, first in enumerate(range(0, len(sent), 15)):
        pid = world.stack.pid("consumption")
        struck = (
            world.kills("consumption", commit_of("save_checkpoints"), dice.choice([BEFORE, "after"]))
            if n % 5 == 2
            else None
        )
        await world.gateway.takes(home.credentials[home.device_id], sent[first : first + 15])
        if struck is not None:
            await asyncio.wait_for(struck.sprung.wait(), 60)
            await world.is_back("consumption", pid)
    await world.settled()

    assert await home.level() == 5000 - sum(used)
    books = (await home.slot())["books"]
    assert books["used_steps"] == sum(used)
    assert books["duplicate_reports"] >= len(sent) - len(reports)


async def test_report_waits_for_device_registration(world):
    """A manufacturer's device reports over Kafka before the portal's event arrives."""
    home = await world.move_in(a.household(level=10, at_level=0, subscribes=False))
    old, new = home.device_id, f"{home.device_id}-new"
    at = world.clock.now().isoformat()
    early = [
        {"type": "SlotUsed", "device_id": new, "slot": "1", "quantity": 2, "boot": "b1", "seq": seq, "occurred_at": at}
        for seq in (1, 2)
    ]
    for report in early:
        await world.writes_usage(report)
    held = "SELECT count(*) FROM consumption.deferred WHERE key = $1"
    await until(lambda: equals(world, held, new, 2), "the reports wait", within_s=30)
    blow = world.kills("consumption", commit_of("save_checkpoints"), "after")
    pid = world.stack.pid("consumption")

    await home.replaces_machine()
    await blow.sprung.wait()
    await world.is_back("consumption", pid)
    await until(lambda: equals(world, held, new, 0), "they go on", within_s=60)
    await world.settled()

    assert (old, home.device_id) != (new, old)
    assert await home.level() == 10 - 4


async def test_unreadable_records_become_dead_letters(world, dice):
    home = await world.move_in(a.household(level=10, at_level=3))
    parked = "SELECT count(*) FROM consumption.dead_letter WHERE key = $1"
    rubbish = [dice.randbytes(dice.randint(1, 300)) for _ in range(20)]
    for value in rubbish:
        await world.log.write("usage", home.device_id, value)
    await world.log.write("provider-updates-acme", "unknown", b"\x00")

    await until(lambda: equals(world, parked, home.device_id, len(rubbish)), "it is parked", within_s=30)
    await world.restocks(home)


async def equals(world, sql, key, count):
    return await world.database.fetchval(sql, key) == count
