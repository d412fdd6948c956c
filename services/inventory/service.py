"""Wiring of inventory: consumed and published events, periodic jobs, API."""

from libs.contracts.events import (
    CustomerErased,
    DeviceDeregistered,
    DeviceRegistered,
    DeviceReplaced,
    SlotCorrected,
    SlotFilled,
    StockAllocated,
    StockArrived,
    StockCounted,
    StockReleased,
    StockShort,
)
from libs.kit import Service, Tick
from services.inventory import handlers
from services.inventory.api import router
from services.inventory.settings import Settings
from services.inventory.store import Store

SERVICE = Service(
    name="inventory",
    store=Store,
    gathers=True,
    hears={
        DeviceRegistered: handlers.on_device_registered,
        DeviceReplaced: handlers.on_device_replaced,
        DeviceDeregistered: handlers.on_device_deregistered,
        CustomerErased: handlers.on_customer_erased,
        SlotFilled: handlers.on_slot_filled,
        SlotCorrected: handlers.on_slot_corrected,
    },
    hears_in_batches={"orders": handlers.on_orders},
    takes={"orders": handlers.ABOUT_GOODS},
    ticks=(
        Tick(handlers.expire_checkouts, every_seconds=10),
        Tick(handlers.take_spoiled, every_seconds=60),
        Tick(handlers.forget_old, every_seconds=3600),
    ),
    says=(StockAllocated, StockShort, StockReleased, StockArrived, StockCounted),
    api=router,
    settings=Settings,
)
