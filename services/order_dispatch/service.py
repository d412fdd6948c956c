"""Order dispatch: what it hears, says and answers."""

from libs.contracts.events import (
    AllocationAsked,
    CancelRequested,
    CartCancelAsked,
    CartPrepared,
    CartReminded,
    ClaimRaised,
    CustomerErased,
    DeviceDeregistered,
    DeviceRegistered,
    DeviceReplaced,
    FraudCleared,
    FraudFlagged,
    OfferChanged,
    OrderCancelled,
    OrderDelivered,
    OrderDrafted,
    OrderFailed,
    OrderModified,
    OrderPlaced,
    OrderRefused,
    OrderRequested,
    OrderReturned,
    OrderShipped,
    OrderStatusAsked,
    OrderUnknown,
    OrderUpdated,
    ProviderChanged,
    ReorderApproved,
    ShopAsked,
    ShopAskedToCancel,
    ShopReminded,
    StockAllocated,
    StockShort,
)
from libs.kit import Effect, Service, Tick
from services.order_dispatch import acting, callbacks, handlers, linking, payments, sns
from services.order_dispatch.api import router
from services.order_dispatch.settings import Settings
from services.order_dispatch.store import Store
from services.order_dispatch.store.measures import MEASURES

# Orders and payments know each other only by these: an order asks its till, and is told what became of its money.
acting.use_till(payments)
payments.hooks.on_authorized = acting.on_authorized
payments.hooks.on_failed = acting.on_payment_failed
payments.hooks.on_capture_failed = acting.on_payment_failed

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
        StockAllocated: handlers.on_stock_allocated,
        StockShort: handlers.on_stock_short,
        **linking.HEARS,
    },
    says=(
        OrderDrafted,
        OrderModified,
        AllocationAsked,
        OrderPlaced,
        OrderRefused,
        OrderUnknown,
        OrderShipped,
        OrderDelivered,
        OrderCancelled,
        OrderFailed,
        OrderReturned,
        ClaimRaised,
        FraudFlagged,
        FraudCleared,
        OrderRequested,
        CancelRequested,
        OrderStatusAsked,
        ShopAsked,
        ShopReminded,
        ShopAskedToCancel,
        CartPrepared,
        CartReminded,
        CartCancelAsked,
        ProviderChanged,
        OfferChanged,
        *payments.SAYS,
        *linking.SAYS,
    ),
    ticks=(
        Tick(handlers.look_after_orders, every_seconds=60),
        *payments.TICKS,
        *callbacks.TICKS,
        *linking.TICKS,
        *sns.TICKS,
    ),
    effects=(
        # The effect only asks the portal for an address, so an attempt nobody knows about is simply repeated.
        Effect(
            "place",
            perform=handlers.fetch_ship_to,
            settle=handlers.on_ship_to_fetched,
            reconcile=handlers.fetch_ship_to,
        ),
        # Questions may be repeated; of a delivery nobody saw the end of, the order becomes unknown.
        Effect(
            "ask",
            perform=handlers.ask_provider,
            settle=handlers.on_provider_asked,
            reconcile=handlers.ask_again,
        ),
        *payments.EFFECTS,
        *linking.EFFECTS,
        *sns.EFFECTS,
    ),
    measures=MEASURES,
    api=router,
    settings=Settings,
)
