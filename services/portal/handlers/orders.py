"""Handlers that record the state of each order."""

from replenish_contracts.catalogue import Event
from replenish_contracts.events import (
    CartPrepared,
    OrderCancelled,
    OrderDelivered,
    OrderDrafted,
    OrderFailed,
    OrderModified,
    OrderPlaced,
    OrderRefused,
    OrderShipped,
    OrderUnknown,
)
from services.portal.domain import formatting
from services.portal.domain.board import OrderState
from services.portal.store import Store


async def on_order_drafted(event: OrderDrafted | OrderModified, store: Store) -> list[Event]:
    await store.save_order_view(event, OrderState.DRAFTED)
    return []


async def on_cart_prepared(event: CartPrepared, store: Store) -> list[Event]:
    await store.save_order_view(event, OrderState.YOURS)
    return []


async def on_order_placed(event: OrderPlaced, store: Store) -> list[Event]:
    await store.save_order_view(event, OrderState.PLACED)
    return []


async def on_order_refused(event: OrderRefused, store: Store) -> list[Event]:
    await store.save_order_view(event, OrderState.REFUSED)
    return []


async def on_order_unknown(event: OrderUnknown, store: Store) -> list[Event]:
    await store.save_order_view(event, OrderState.UNKNOWN)
    return []


async def on_order_shipped(event: OrderShipped, store: Store) -> list[Event]:
    await store.save_order_view(event, OrderState.SHIPPED)
    return []


async def on_order_delivered(event: OrderDelivered, store: Store) -> list[Event]:
    await store.save_order_view(event, OrderState.DELIVERED)
    return []


async def on_order_cancelled(event: OrderCancelled, store: Store) -> list[Event]:
    await store.save_order_view(formatting.without_suspicion(event), OrderState.CANCELLED)
    return []


async def on_order_failed(event: OrderFailed, store: Store) -> list[Event]:
    await store.save_order_view(formatting.without_suspicion(event), OrderState.FAILED)
    return []
