"""Handlers and periodic jobs of inventory."""

from services.inventory.handlers.accounts import (
    on_customer_erased,
    on_device_deregistered,
    on_device_registered,
    on_device_replaced,
)
from services.inventory.handlers.orders import HANDLED_EVENTS, on_orders
from services.inventory.handlers.slots import on_slot_corrected, on_slot_filled
from services.inventory.handlers.upkeep import delete_old_rows, expire_checkouts, remove_expired_goods

__all__ = [
    "HANDLED_EVENTS",
    "delete_old_rows",
    "expire_checkouts",
    "on_customer_erased",
    "on_device_deregistered",
    "on_device_registered",
    "on_device_replaced",
    "on_orders",
    "on_slot_corrected",
    "on_slot_filled",
    "remove_expired_goods",
]
