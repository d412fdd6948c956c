"""Wiring of the gateway: consumed and published events, periodic job, API."""

from libs.kit import PeriodicJob, Service
from replenish_contracts.events import (
    CustomerErased,
    DeviceDeregistered,
    DeviceRegistered,
    DeviceReplaced,
    SlotAnomalyDetected,
    SlotMeasured,
    SlotRefilled,
    SlotUsed,
)
from services.gateway import handlers
from services.gateway.api import router, start_pipeline, stop_pipeline
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
        SlotAnomalyDetected: handlers.on_slot_anomaly_detected,
    },
    publishes=(SlotUsed, SlotMeasured, SlotRefilled),
    jobs=(PeriodicJob(handlers.delete_old_departures, every_seconds=3600),),
    api=router,
    settings=Settings,
    on_start=(start_pipeline,),
    on_stop=(stop_pipeline,),
)
