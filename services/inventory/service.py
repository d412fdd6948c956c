"""Wiring of inventory: consumed and published events, periodic jobs, API."""

from libs.kit import PeriodicJob, Service
from replenish_contracts.events import (
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
from services.inventory import handlers
from services.inventory.api import router
from services.inventory.settings import Settings
from services.inventory.store import Store

SERVICE = Service(
    name="inventory",
    store=Store,
    lingers=True,
    consumes={
        DeviceRegistered: handlers.on_device_registered,
        DeviceReplaced: handlers.on_device_replaced,
        DeviceDeregistered: handlers.on_device_deregistered,
        CustomerErased: handlers.on_customer_erased,
        SlotFilled: handlers.on_slot_filled,
        SlotCorrected: handlers.on_slot_corrected,
    },
    consumes_in_batches={"orders": handlers.on_orders},
    batch_events={"orders": handlers.HANDLED_EVENTS},
    jobs=(
        PeriodicJob(handlers.expire_checkouts, every_seconds=10),
        PeriodicJob(handlers.remove_expired_goods, every_seconds=60),
        PeriodicJob(handlers.delete_old_rows, every_seconds=3600),
    ),
    publishes=(StockAllocated, StockShort, StockReleased, StockArrived, StockCounted),
    api=router,
    settings=Settings,
)
