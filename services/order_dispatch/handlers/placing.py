"""Takes orders towards their provider: the address is fetched when it is needed, and passed on, never kept."""

from dataclasses import replace
from typing import Any

from libs.contracts.catalogue import Event
from libs.contracts.events import Fault, ShipTo, StockAllocated, StockShort
from libs.kit import Intent, Kit, Outcome
from services.order_dispatch.acting import address_of, carry_out, go_on
from services.order_dispatch.domain import State, fail, is_ready, run_short
from services.order_dispatch.store import Store


async def fetch_ship_to(intent: Intent, kit: Kit) -> dict[str, Any]:
    """Return the customer's address where the next step needs it; a question, so asking twice is harmless."""
    if not intent.payload.get("address", True):
        return {}
    return {"ship_to": await address_of(intent.payload["customer_id"], kit)}


async def on_ship_to_fetched(intent: Intent, outcome: Outcome, store: Store) -> list[Event]:
    """Take the order its next step, unless it was cancelled in between; an address that cannot be had fails it."""
    order = await store.lock_order(intent.payload["order_id"])
    if order is None or not is_ready(order):
        return []
    if outcome.result is None:
        why = outcome.refused or "there is no address"
        return await carry_out(fail(order, why, store.now, Fault.ADDRESS), store)
    address = outcome.result.get("ship_to")
    ship_to = None if address is None else ShipTo.model_validate(address)
    return await go_on(order, await store.find_provider(order.provider_id), store, ship_to)


async def on_stock_allocated(event: StockAllocated, store: Store) -> list[Event]:
    """Go on with an order whose goods are set aside; where it ended meanwhile, inventory lets them go itself."""
    order = await store.lock_order(event.order_id)
    if order is None or order.state is not State.RESERVING:
        return []
    return await go_on(replace(order, reserved_at=store.now), await store.find_provider(order.provider_id), store)


async def on_stock_short(event: StockShort, store: Store) -> list[Event]:
    order = await store.lock_order(event.order_id)
    if order is None or order.state is not State.RESERVING:
        return []
    return await carry_out(run_short(order, event.shortages, store.now), store)
