"""Advances orders towards submission. Addresses are fetched on demand and never stored."""

from dataclasses import replace
from typing import Any

from libs.kit import Kit, Task, TaskResult
from replenish_contracts.catalogue import Event
from replenish_contracts.events import Fault, ShipTo, StockAllocated, StockShort
from services.order_dispatch.acting import address_of, carry_out, go_on
from services.order_dispatch.domain import State, fail, is_ready, run_short
from services.order_dispatch.store import Store


async def fetch_ship_to(task: Task, kit: Kit) -> dict[str, Any]:
    """Fetch the customer's address if the next step needs it; read-only, hence safe to repeat."""
    if not task.payload.get("address", True):
        return {}
    return {"ship_to": await address_of(task.payload["customer_id"], kit)}


async def on_ship_to_fetched(task: Task, outcome: TaskResult, store: Store) -> list[Event]:
    """Advance the order unless it was cancelled meanwhile; a missing address fails it."""
    order = await store.lock_order(task.payload["order_id"])
    if order is None or not is_ready(order):
        return []
    if outcome.result is None:
        why = outcome.refused or "there is no address"
        return await carry_out(fail(order, why, store.now, Fault.ADDRESS), store)
    address = outcome.result.get("ship_to")
    ship_to = None if address is None else ShipTo.model_validate(address)
    return await go_on(order, await store.find_provider(order.provider_id), store, ship_to)


async def on_stock_allocated(event: StockAllocated, store: Store) -> list[Event]:
    """Advance an order whose stock is reserved; inventory releases the stock of orders that ended meanwhile."""
    order = await store.lock_order(event.order_id)
    if order is None or order.state is not State.RESERVING:
        return []
    return await go_on(replace(order, reserved_at=store.now), await store.find_provider(order.provider_id), store)


async def on_stock_short(event: StockShort, store: Store) -> list[Event]:
    order = await store.lock_order(event.order_id)
    if order is None or order.state is not State.RESERVING:
        return []
    return await carry_out(run_short(order, event.shortages, store.now), store)
