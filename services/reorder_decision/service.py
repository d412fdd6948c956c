"""Reorder decision: the events it consumes and publishes, its periodic jobs and its API."""

from libs.kit import PeriodicJob, Service
from replenish_contracts.events import (
    CustomerErased,
    DeviceDeregistered,
    DeviceRegistered,
    DeviceReplaced,
    LinkCreated,
    LinkEnded,
    OfferChanged,
    OrderCancelled,
    OrderDelivered,
    OrderDrafted,
    OrderFailed,
    OrderLinesCancelled,
    OrderLinesRefused,
    OrderPlaced,
    OrderRefused,
    ProviderChanged,
    ProviderSubscriptionChanged,
    ReorderApproved,
    ReorderDeclined,
    ReorderHeld,
    SlotCorrected,
    SlotFilled,
    SlotLevelChanged,
    StockArrived,
    StockCounted,
    SubscriptionChanged,
    ThresholdCrossed,
    TriggerSet,
)
from services.reorder_decision import handlers
from services.reorder_decision.api import router
from services.reorder_decision.settings import Settings
from services.reorder_decision.store import Store
from services.reorder_decision.store.measures import MEASURES

SERVICE = Service(
    name="reorder_decision",
    store=Store,
    consumes={
        DeviceRegistered: handlers.on_device_registered,
        DeviceReplaced: handlers.on_device_replaced,
        DeviceDeregistered: handlers.on_device_deregistered,
        CustomerErased: handlers.on_customer_erased,
        ThresholdCrossed: handlers.on_threshold_crossed,
        SlotLevelChanged: handlers.on_slot_level_changed,
        SlotFilled: handlers.on_slot_filled,
        SlotCorrected: handlers.on_slot_corrected,
        StockArrived: handlers.on_stock_arrived,
        StockCounted: handlers.on_stock_counted,
        OrderDrafted: handlers.on_order_drafted,
        OrderPlaced: handlers.on_order_placed,
        OrderDelivered: handlers.on_order_delivered,
        OrderRefused: handlers.on_order_ended,
        OrderCancelled: handlers.on_order_ended,
        OrderFailed: handlers.on_order_ended,
        OrderLinesRefused: handlers.on_order_ended,
        OrderLinesCancelled: handlers.on_order_ended,
        OfferChanged: handlers.on_offer_changed,
        ProviderChanged: handlers.on_provider_changed,
        LinkCreated: handlers.on_link_created,
        LinkEnded: handlers.on_link_ended,
        ProviderSubscriptionChanged: handlers.on_provider_subscription_changed,
    },
    locks=handlers.lock_pools,
    publishes=(TriggerSet, ReorderApproved, ReorderHeld, ReorderDeclined, SubscriptionChanged),
    jobs=(
        PeriodicJob(handlers.reassess_due, every_seconds=10),  # back-offs are days long
        PeriodicJob(handlers.count_results, every_seconds=60),
        PeriodicJob(handlers.apply_lead_times, every_seconds=60),
    ),
    measures=MEASURES,
    api=router,
    settings=Settings,
)
