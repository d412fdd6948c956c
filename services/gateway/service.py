"""Gateway: what it hears, says and answers."""

from libs.kit import PeriodicJob, Service
from replenish_contracts.events import (
    CustomerErased,
    DeviceDeregistered,
    DeviceRegistered,
    DeviceReplaced,
    SlotMeasured,
    SlotRefilled,
    SlotUsed,
)
from services.gateway import handlers
from services.gateway.api import close_door, open_door, router
from services.gateway.settings import Settings
from services.gateway.store import Store

SERVICE = Service(
    name="gateway",
    store=Store,
    consumes={
        DeviceRegistered: handlers.on_device_registered,
        DeviceReplaced: handlers.on_device_replaced,
        DeviceDeregistered: handlers.on_device_deregistered,
        CustomerErased: handlers.on_customer_erased,
    },
    publishes=(SlotUsed, SlotMeasured, SlotRefilled),
    jobs=(PeriodicJob(handlers.forget_departures, every_seconds=3600),),
    api=router,
    settings=Settings,
    on_start=(open_door,),
    on_stop=(close_door,),
)
