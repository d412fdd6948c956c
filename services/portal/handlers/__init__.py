"""Event handlers that maintain the page's read models."""

from services.portal.handlers.links import on_link_ended, on_provider_subscription_changed
from services.portal.handlers.offers import on_offer_changed, on_provider_changed
from services.portal.handlers.orders import on_order_event
from services.portal.handlers.reorders import (
    on_reorder_approved,
    on_reorder_declined,
    on_reorder_held,
    on_subscription_changed,
    on_trigger_set,
)
from services.portal.handlers.slots import (
    on_slot_anomaly_detected,
    on_slot_corrected,
    on_slot_filled,
    on_slot_level_changed,
    on_threshold_crossed,
)
from services.portal.handlers.stock_and_notices import (
    delete_expired,
    on_customer_notified,
    on_stock_arrived,
    on_stock_counted,
)

__all__ = [
    "delete_expired",
    "on_customer_notified",
    "on_link_ended",
    "on_offer_changed",
    "on_order_event",
    "on_provider_changed",
    "on_provider_subscription_changed",
    "on_reorder_approved",
    "on_reorder_declined",
    "on_reorder_held",
    "on_slot_anomaly_detected",
    "on_slot_corrected",
    "on_slot_filled",
    "on_slot_level_changed",
    "on_stock_arrived",
    "on_stock_counted",
    "on_subscription_changed",
    "on_threshold_crossed",
    "on_trigger_set",
]
