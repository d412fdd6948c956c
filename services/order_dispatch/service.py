"""Order dispatch: what it hears, says and answers."""

from libs.contracts.events import (
    CancelRequested,
    CustomerErased,
    DeviceDeregistered,
    DeviceRegistered,
    DeviceReplaced,
    OfferChanged,
    OrderCancelled,
    OrderDelivered,
    OrderDrafted,
    OrderFailed,
    OrderPlaced,
    OrderRefused,
    OrderRequested,
    OrderShipped,
    OrderStatusAsked,
    OrderUnknown,
    OrderUpdated,
    ProviderChanged,
    ReorderApproved,
)
from libs.kit import Effect, Service, Tick
from services.order_dispatch import handlers, linking, sns
from services.order_dispatch.api import router
from services.order_dispatch.settings import Settings
from services.order_dispatch.store import Store

SERVICE = Service(
    name="order_dispatch",
    store=Store,
    hears={
        DeviceRegistered: handlers.on_device_registered,
        DeviceReplaced: handlers.on_device_replaced,
        DeviceDeregistered: handlers.on_device_deregistered,
        CustomerErased: handlers.on_customer_erased,
        ReorderApproved: handlers.on_reorder_approved,
        OrderUpdated: handlers.on_order_updated,
        **linking.HEARS,
    },
    says=(
        OrderDrafted,
        OrderPlaced,
        OrderRefused,
        OrderUnknown,
        OrderShipped,
        OrderDelivered,
        OrderCancelled,
        OrderFailed,
        OrderRequested,
        CancelRequested,
        OrderStatusAsked,
        ProviderChanged,
        OfferChanged,
        *linking.SAYS,
    ),
    ticks=(Tick(handlers.look_after_orders, every_seconds=60), *linking.TICKS, *sns.TICKS),
    effects=(
        # The effect only asks the portal for an address, so an attempt nobody knows about is simply repeated.
        Effect(
            "place",
            perform=handlers.fetch_ship_to,
            settle=handlers.on_ship_to_fetched,
            reconcile=handlers.fetch_ship_to,
        ),
        *linking.EFFECTS,
        *sns.EFFECTS,
    ),
    api=router,
    settings=Settings,
)
