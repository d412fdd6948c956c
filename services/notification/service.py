"""Notification: the events it consumes and publishes, its tasks and its API."""

from libs.kit import Service, TaskKind
from replenish_contracts.events import (
    CartCancelRequested,
    CartPrepared,
    CartReminded,
    ClaimRaised,
    CustomerErased,
    CustomerNotified,
    DeviceDeregistered,
    DeviceRegistered,
    DeviceReplaced,
    OfferChanged,
    OrderCancelled,
    OrderDelivered,
    OrderDrafted,
    OrderFailed,
    OrderModified,
    OrderPlaced,
    OrderRefused,
    OrderShipped,
    OrderUnknown,
    PaymentRefunded,
    ProviderChanged,
    ReorderApproved,
    ReorderDeclined,
    ReorderHeld,
    ShopCancelRequested,
    ShopOrderRequested,
    ShopReminded,
    ThresholdCrossed,
    TriggerSet,
)
from services.notification import handlers
from services.notification.api import router
from services.notification.settings import Settings
from services.notification.store import Store
from services.notification.store.measures import MEASURES

SERVICE = Service(
    name="notification",
    store=Store,
    lingers=True,
    consumes={
        DeviceRegistered: handlers.on_device_registered,
        DeviceReplaced: handlers.on_device_replaced,
        DeviceDeregistered: handlers.on_device_deregistered,
        CustomerErased: handlers.on_customer_erased,
        ThresholdCrossed: handlers.on_threshold_crossed,
        ProviderChanged: handlers.on_provider_changed,
        OfferChanged: handlers.on_offer_changed,
        TriggerSet: handlers.on_trigger_set,
        ReorderApproved: handlers.on_reorder_approved,
        ReorderDeclined: handlers.on_reorder_declined,
        ReorderHeld: handlers.on_reorder_held,
        OrderDrafted: handlers.on_order_drafted,
        OrderModified: handlers.on_order_drafted,
        OrderPlaced: handlers.on_order_fact,
        OrderRefused: handlers.on_order_fact,
        OrderFailed: handlers.on_order_fact,
        OrderCancelled: handlers.on_order_fact,
        OrderUnknown: handlers.on_order_fact,
        OrderShipped: handlers.on_order_fact,
        OrderDelivered: handlers.on_order_fact,
        ClaimRaised: handlers.on_order_fact,
        PaymentRefunded: handlers.on_order_fact,
        ShopOrderRequested: handlers.on_order_fact,
        ShopReminded: handlers.on_order_fact,
        ShopCancelRequested: handlers.on_order_fact,
        CartPrepared: handlers.on_order_fact,
        CartReminded: handlers.on_order_fact,
        CartCancelRequested: handlers.on_order_fact,
    },
    publishes=(CustomerNotified,),
    tasks=(
        # If the end of an attempt is unknown, the mail is sent again with the same Message-ID (at least once).
        TaskKind(
            "mail",
            perform=handlers.send_mail,
            complete=handlers.on_mail_sent,
            reconcile=handlers.send_mail,
            longest_seconds=720,  # must exceed smtp_taking_seconds plus the steps before and after
        ),
    ),
    measures=MEASURES,
    api=router,
    settings=Settings,
)
