"""Tests that random faults of shops neither lose nor duplicate an order."""

import os

import pytest

from tests.integration.order_dispatch.outward.mix import every_order_is_in_exactly_one_book_once, order_through_faults

#: `make chaos` runs more orders.
ORDERS = 2_000 if os.environ.get("CHAOS_ROUNDS") else 200
SECONDS_PER_ORDER = 0.7


@pytest.mark.timeout(1800)
async def test_orders_through_every_fault_are_accepted_exactly_once(world):
    shops = await order_through_faults(world, ORDERS, seconds=ORDERS * SECONDS_PER_ORDER)

    doubted = await every_order_is_in_exactly_one_book_once(world, shops, ORDERS)
    print(f"{doubted} of {ORDERS} orders were in doubt and came through")
    assert doubted > ORDERS / 20
