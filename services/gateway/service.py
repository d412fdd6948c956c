"""Gateway: what it hears, says and answers."""

from libs.contracts.events import (
    CustomerErased,
    DeviceDeregistered,
    DeviceRegistered,
    DeviceReplaced,
    SlotMeasured,
    SlotRefilled,
    SlotUsed,
)
from libs.kit import Service, Tick
from services.gateway import handlers
from services.gateway.api import close_door, open_door, router
from services.gateway.settings import Settings
from services.gateway.store import Store

SERVICE = Service(
    name="gateway",
    store=Store,
    hears={
        DeviceRegistered: handlers.on_device_registered,
        DeviceReplaced: handlers.on_device_replaced,
        DeviceDeregistered: handlers.on_device_deregistered,
        CustomerErased: handlers.on_customer_erased,
    },
    says=(SlotUsed, SlotMeasured, SlotRefilled),
    ticks=(Tick(handlers.forget_departures, every_seconds=3600),),
    api=router,
    settings=Settings,
    starts=(open_door,),
    stops=(close_door,),
)
