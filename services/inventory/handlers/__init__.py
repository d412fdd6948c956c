"""Handlers and periodic jobs of inventory."""

from services.inventory.handlers.accounts import (
    on_customer_erased,
    on_device_deregistered,
    on_device_registered,
    on_device_replaced,
)
from services.inventory.handlers.orders import ABOUT_GOODS, on_orders
from services.inventory.handlers.slots import on_slot_corrected, on_slot_filled
from services.inventory.handlers.upkeep import expire_checkouts, forget_old, take_spoiled

__all__ = [
    "ABOUT_GOODS",
    "expire_checkouts",
    "forget_old",
    "on_customer_erased",
    "on_device_deregistered",
    "on_device_registered",
    "on_device_replaced",
    "on_orders",
    "on_slot_corrected",
    "on_slot_filled",
    "take_spoiled",
]
