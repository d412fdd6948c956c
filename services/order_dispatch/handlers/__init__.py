"""What order_dispatch does about what it hears, about time passing, and about the addresses it fetches."""

from services.order_dispatch.handlers.accounts import (
    on_customer_erased,
    on_device_deregistered,
    on_device_registered,
    on_device_replaced,
)
from services.order_dispatch.handlers.orders import look_after_orders, on_order_updated, on_reorder_approved
from services.order_dispatch.handlers.placing import fetch_ship_to, on_ship_to_fetched

__all__ = [
    "fetch_ship_to",
    "look_after_orders",
    "on_customer_erased",
    "on_device_deregistered",
    "on_device_registered",
    "on_device_replaced",
    "on_order_updated",
    "on_reorder_approved",
    "on_ship_to_fetched",
]
