"""Wiring of consumption: consumed and published events, periodic jobs, metrics, API."""

from libs.contracts.events import (
    CustomerErased,
    DeviceDeregistered,
    DeviceRegistered,
    DeviceReplaced,
    OrderDelivered,
    SlotCorrected,
    SlotDoubted,
    SlotFilled,
    SlotFollowed,
    SlotLevelChanged,
    ThresholdCrossed,
    TriggerSet,
)
from libs.kit import Service, Tick
from services.consumption.api import router
from services.consumption.handlers import accounts, followers, reorders, upkeep, usage
from services.consumption.settings import Settings
from services.consumption.store import Store
from services.consumption.store.measures import MEASURES

SERVICE = Service(
    name="consumption",
    store=Store,
    hears={
        DeviceRegistered: accounts.on_device_registered,
        DeviceReplaced: accounts.on_device_replaced,
        DeviceDeregistered: accounts.on_device_deregistered,
        CustomerErased: accounts.on_customer_erased,
        TriggerSet: reorders.on_trigger_set,
        OrderDelivered: reorders.on_order_delivered,
        SlotFollowed: followers.on_slot_followed,
    },
    hears_in_batches={"usage": usage.on_usage},
    prepares={"usage": usage.prepare},
    says=(ThresholdCrossed, SlotFilled, SlotCorrected, SlotLevelChanged, SlotDoubted),
    ticks=(
        Tick(upkeep.file_days, every_seconds=3600),
        Tick(upkeep.forget_reports, every_seconds=60),
        Tick(upkeep.give_up_gaps, every_seconds=3600),
    ),
    measures=MEASURES,
    api=router,
    settings=Settings,
)
