"""Constraints in Postgres: one subscription and one open order per pool, one order per epoch."""

import asyncpg
import pytest

from tests.support import decision_events as events
from tests.support import decisions as a

ORDER = """
    INSERT INTO reorder (order_id, pool_id, epoch, quantity, state, decided_at)
    VALUES ($1, 'ann/pods', $2, 40, $3, now())
"""


@pytest.fixture
async def pool(desk):
    await desk.hear(events.offer())
    await desk.hear(events.registered())
    await desk.subscribe()
    return await desk.pool()


async def refuses(desk, constraint, *orders):
    """Insert orders that violate the constraint, and roll back."""
    savepoint = desk.store.connection.transaction()
    await savepoint.start()
    with pytest.raises(asyncpg.UniqueViolationError, match=constraint):
        await desk.store.connection.executemany(ORDER, orders)
    await savepoint.rollback()


@pytest.mark.parametrize("states", [("open", "open"), ("open", "proposed"), ("proposed", "open")])
async def test_one_open_order_per_pool(desk, pool, states):
    await refuses(desk, "one_open_order_per_pool", ("o1", 1, states[0]), ("o2", 2, states[1]))


async def test_one_order_per_epoch(desk, pool):
    await refuses(desk, "one_order_per_epoch", ("o1", 1, "ended"), ("o2", 1, "open"))


async def test_one_subscription_per_pool(desk, pool):
    with pytest.raises(asyncpg.UniqueViolationError, match="one_subscription_per_pool"):
        async with desk.store.connection.transaction():
            await desk.store.save_subscription(pool, a.subscription(subscription_id="another"))


class TestChecks:
    @pytest.mark.parametrize(
        ("spoil", "view"),
        [
            ("UPDATE pool SET trigger = NULL", "check_every_active_pool_waits_for_something"),
            ("UPDATE pool SET situation = 'ordered'", "check_every_active_pool_waits_for_something"),
            ("UPDATE pool SET situation = 'held'", "check_every_active_pool_waits_for_something"),
            (
                """UPDATE pool SET situation = 'held', hold = '{"reason": "not_delivered", "wake_up": "time"}'""",
                "check_every_active_pool_waits_for_something",
            ),
            (
                """UPDATE pool SET situation = 'held', hold = '{"reason": "awaiting_approval", "wake_up": "approval"}'""",
                "check_every_active_pool_waits_for_something",
            ),
            (
                ORDER.replace("$1", "'o1'").replace("$2", "1").replace("$3", "'open'"),
                "check_open_orders_are_waited_for",
            ),
            (
                ORDER.replace("$1", "'o1'").replace("$2", "9").replace("$3", "'ended'"),
                "check_orders_are_of_their_pools_past",
            ),
            (
                ORDER.replace("$1", "'o1'").replace("$2", "1").replace("$3", "'ended'"),
                "check_every_order_has_a_receipt",
            ),
        ],
    )
    async def test_checks_name_violations(self, desk, pool, spoil, view):
        assert await desk.findings() == {}

        await desk.store.connection.execute(spoil)

        desk.expected = await desk.findings()
        assert view in desk.expected

    async def test_checks_accept_hold_with_wake_up(self, desk, pool):
        await desk.store.connection.execute(
            """UPDATE pool SET situation = 'held', hold = '{"reason": "no_offer", "wake_up": "OfferChanged"}'"""
        )

        assert await desk.findings() == {}
