"""Orders through shops with random faults, and the check against the shops' logs at the end."""

import time
from collections import Counter
from contextlib import AsyncExitStack
from datetime import timedelta

from tests.support.portal_server import until

#: Share per fault: with nine faults one webhook request in three fails; one in eight for ACP, whose checkout has four.
FAULTS = ("black-hole", "timeout", "late", "error", "error-after", "busy", "garbage", "redirect", "huge")
SHARE = {"webhook": 0.04, "acp": 0.015}
UNRESOLVED = "SELECT order_id, state FROM orders WHERE state IN ('drafted', 'placing', 'unknown')"
OPEN_TASKS = "SELECT FROM task WHERE state IN ('due', 'claimed', 'unknown') AND due_at <= $1"


async def order_through_faults(world, count, seconds):
    """Place `count` orders in shops with all faults; return the shops once every order has a final result."""
    async with AsyncExitStack() as stack:
        shops = []
        for number, (kind, share) in enumerate(SHARE.items()):
            options = [part for fault in FAULTS for part in (f"--{fault}", share)]
            shops.append(await stack.enter_async_context(world.shop(kind, f"mix-{kind}", *options, "--seed", number)))
        for shop in shops:
            await world.approve_many(shop.provider_id, count // len(shops))
        await until(lambda: _all_drafted(world, count), "every order is drafted", seconds)
        await _resolve_unknown_orders(world, time.monotonic() + seconds)
        return shops


async def _resolve_unknown_orders(world, deadline):
    """Advance the clock whenever no call is in progress, until no order is unknown."""
    while await world.rows(UNRESOLVED):
        assert time.monotonic() < deadline, await world.rows(UNRESOLVED)
        seconds_left = deadline - time.monotonic()
        await until(lambda: _no_open_tasks(world), "no call is in progress", max(seconds_left, 1))
        if await world.rows(UNRESOLVED):
            world.clock.step_to(world.clock.now() + timedelta(hours=2))


async def _all_drafted(world, count):
    (row,) = await world.rows("SELECT count(*) FROM orders")
    return row["count"] >= count


async def _no_open_tasks(world):
    return not await world.rows(OPEN_TASKS, world.clock.now())


async def check_orders_accepted_once(world, shops, count):
    """Check that each order is in exactly one shop's log once; return how many were `unknown` in between."""
    accepted = sum((shop.count("accepted") for shop in shops), start=Counter())
    rows = await world.rows("SELECT order_id, state FROM orders WHERE provider_id LIKE 'mix-%'")
    assert len(rows) == count
    assert {row["state"] for row in rows} == {"placed"}
    assert accepted == {row["order_id"]: 1 for row in rows}
    unknown = await world.rows(
        "SELECT DISTINCT order_id FROM order_history WHERE to_state = 'unknown' AND order_id LIKE 'mix-%'"
    )
    return len(unknown)
