"""What order_dispatch does about what it hears, about time passing, and about the answers it gets."""

from services.order_dispatch.handlers.accounts import (
    on_customer_erased,
    on_device_deregistered,
    on_device_registered,
    on_device_replaced,
)
from services.order_dispatch.handlers.asking import ask_again, ask_provider, on_provider_asked
from services.order_dispatch.handlers.orders import look_after_orders, on_order_updated, on_reorder_approved
from services.order_dispatch.handlers.placing import (
    fetch_ship_to,
    on_ship_to_fetched,
    on_stock_allocated,
    on_stock_short,
)

__all__ = [
    "ask_again",
    "ask_provider",
    "fetch_ship_to",
    "look_after_orders",
    "on_customer_erased",
    "on_device_deregistered",
    "on_device_registered",
    "on_device_replaced",
    "on_order_updated",
    "on_provider_asked",
    "on_reorder_approved",
    "on_ship_to_fetched",
    "on_stock_allocated",
    "on_stock_short",
]
