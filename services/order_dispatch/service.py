"""Order dispatch: what it hears, says and answers."""

from libs.kit import PeriodicJob, Service, TaskKind
from replenish_contracts.events import (
    AllocationRequested,
    CancelRequested,
    CartCancelRequested,
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
    OrderStatusRequested,
    OrderUnknown,
    OrderUpdated,
    ProviderChanged,
    ReorderApproved,
    ShopCancelRequested,
    ShopOrderRequested,
    ShopReminded,
    StockAllocated,
    StockShort,
)
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
    consumes={
        DeviceRegistered: handlers.on_device_registered,
        DeviceReplaced: handlers.on_device_replaced,
        DeviceDeregistered: handlers.on_device_deregistered,
        CustomerErased: handlers.on_customer_erased,
        ReorderApproved: handlers.on_reorder_approved,
        OrderUpdated: handlers.on_order_updated,
        StockAllocated: handlers.on_stock_allocated,
        StockShort: handlers.on_stock_short,
        **linking.CONSUMES,
    },
    publishes=(
        OrderDrafted,
        OrderModified,
        AllocationRequested,
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
        OrderStatusRequested,
        ShopOrderRequested,
        ShopReminded,
        ShopCancelRequested,
        CartPrepared,
        CartReminded,
        CartCancelRequested,
        ProviderChanged,
        OfferChanged,
        *payments.PUBLISHES,
        *linking.PUBLISHES,
    ),
    jobs=(
        PeriodicJob(handlers.look_after_orders, every_seconds=60),
        *payments.JOBS,
        *callbacks.JOBS,
        *linking.JOBS,
        *sns.JOBS,
    ),
    tasks=(
        # The effect only asks the portal for an address, so an attempt nobody knows about is simply repeated.
        TaskKind(
            "place",
            perform=handlers.fetch_ship_to,
            complete=handlers.on_ship_to_fetched,
            reconcile=handlers.fetch_ship_to,
        ),
        # Questions may be repeated; of a delivery nobody saw the end of, the order becomes unknown.
        TaskKind(
            "ask",
            perform=handlers.ask_provider,
            complete=handlers.on_provider_asked,
            reconcile=handlers.ask_again,
        ),
        *payments.TASKS,
        *linking.TASKS,
        *sns.TASKS,
    ),
    measures=MEASURES,
    api=router,
    settings=Settings,
)
