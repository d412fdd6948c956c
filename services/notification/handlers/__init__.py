"""Event handlers, and the task that sends a mail."""

from services.notification.handlers.facts import (
    on_customer_erased,
    on_device_deregistered,
    on_device_registered,
    on_device_replaced,
    on_offer_changed,
    on_order_drafted,
    on_order_returned,
    on_provider_changed,
    on_reorder_approved,
    on_reorder_declined,
    on_threshold_crossed,
    on_trigger_set,
)
from services.notification.handlers.mail import on_mail_sent, send_mail
from services.notification.handlers.notices import on_order_fact, on_reorder_held

__all__ = [
    "on_customer_erased",
    "on_device_deregistered",
    "on_device_registered",
    "on_device_replaced",
    "on_mail_sent",
    "on_offer_changed",
    "on_order_drafted",
    "on_order_fact",
    "on_order_returned",
    "on_provider_changed",
    "on_reorder_approved",
    "on_reorder_declined",
    "on_reorder_held",
    "on_threshold_crossed",
    "on_trigger_set",
    "send_mail",
]
