"""Tests that random faults of shops neither lose nor duplicate an order."""

import os

import pytest

from tests.integration.order_dispatch.providers_http.random_faults import (
    check_orders_accepted_once,
    order_through_faults,
)

#: `make chaos` runs more orders.
ORDERS = 2_000 if os.environ.get("CHAOS_ROUNDS") else 200
SECONDS_PER_ORDER = 0.7


@pytest.mark.timeout(1800)
async def test_orders_through_every_fault_are_accepted_exactly_once(world):
    shops = await order_through_faults(world, ORDERS, seconds=ORDERS * SECONDS_PER_ORDER)

    unknown = await check_orders_accepted_once(world, shops, ORDERS)
    print(f"{unknown} of {ORDERS} orders were unknown in between")
    assert unknown > ORDERS / 20
