"""Wiring of consumption: consumed and published events, periodic jobs, metrics, API."""

from libs.kit import PeriodicJob, Service
from replenish_contracts.events import (
    CustomerErased,
    DeviceDeregistered,
    DeviceRegistered,
    DeviceReplaced,
    OrderDelivered,
    SlotAnomalyDetected,
    SlotCorrected,
    SlotFilled,
    SlotFollowed,
    SlotLevelChanged,
    ThresholdCrossed,
    TriggerSet,
)
from services.consumption.api import router
from services.consumption.handlers import accounts, followers, reorders, upkeep, usage
from services.consumption.settings import Settings
from services.consumption.store import Store
from services.consumption.store.measures import MEASURES

SERVICE = Service(
    name="consumption",
    store=Store,
    consumes={
        DeviceRegistered: accounts.on_device_registered,
        DeviceReplaced: accounts.on_device_replaced,
        DeviceDeregistered: accounts.on_device_deregistered,
        CustomerErased: accounts.on_customer_erased,
        TriggerSet: reorders.on_trigger_set,
        OrderDelivered: reorders.on_order_delivered,
        SlotFollowed: followers.on_slot_followed,
    },
    consumes_in_batches={"usage": usage.on_usage},
    prepares={"usage": usage.prepare},
    publishes=(ThresholdCrossed, SlotFilled, SlotCorrected, SlotLevelChanged, SlotAnomalyDetected),
    jobs=(
        PeriodicJob(upkeep.count_due_readings, every_seconds=10),
        PeriodicJob(upkeep.file_days, every_seconds=3600),
        PeriodicJob(upkeep.delete_report_identities, every_seconds=60),
        PeriodicJob(upkeep.give_up_gaps, every_seconds=3600),
    ),
    measures=MEASURES,
    api=router,
    settings=Settings,
)
