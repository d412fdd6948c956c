"""Event handlers and periodic jobs: lock the pool, decide, save, return events."""

from services.reorder_decision.handlers.devices import (
    on_customer_erased,
    on_device_deregistered,
    on_device_registered,
    on_device_replaced,
)
from services.reorder_decision.handlers.goods import on_stock_arrived, on_stock_counted
from services.reorder_decision.handlers.links import (
    on_link_created,
    on_link_ended,
    on_provider_subscription_changed,
)
from services.reorder_decision.handlers.locks import lock_pools
from services.reorder_decision.handlers.offers import on_offer_changed, on_provider_changed, reassess_due
from services.reorder_decision.handlers.orders import (
    apply_lead_times,
    count_results,
    on_order_delivered,
    on_order_drafted,
    on_order_ended,
    on_order_placed,
)
from services.reorder_decision.handlers.slots import (
    on_slot_corrected,
    on_slot_filled,
    on_slot_level_changed,
    on_threshold_crossed,
)

__all__ = [
    "apply_lead_times",
    "count_results",
    "lock_pools",
    "on_customer_erased",
    "on_device_deregistered",
    "on_device_registered",
    "on_device_replaced",
    "on_link_created",
    "on_link_ended",
    "on_offer_changed",
    "on_order_delivered",
    "on_order_drafted",
    "on_order_ended",
    "on_order_placed",
    "on_provider_changed",
    "on_provider_subscription_changed",
    "on_slot_corrected",
    "on_slot_filled",
    "on_slot_level_changed",
    "on_stock_arrived",
    "on_stock_counted",
    "on_threshold_crossed",
    "reassess_due",
]
