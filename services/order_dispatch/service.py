"""Order dispatch: the events, jobs, tasks and HTTP API of the service."""

from fastapi import APIRouter

from libs.kit import PeriodicJob, Service, TaskKind
from replenish_contracts.events import (
    AllocationRequested,
    CancelRequested,
    CartCancelRequested,
    CartPrepared,
    CartReminded,
    ClaimRaised,
    CustomerChanged,
    CustomerErased,
    CustomerJoined,
    DeviceDeregistered,
    DeviceRegistered,
    DeviceReplaced,
    FraudCleared,
    FraudFlagged,
    LinkCreated,
    LinkEnded,
    OfferChanged,
    OrderCancelled,
    OrderDelivered,
    OrderDrafted,
    OrderFailed,
    OrderLinesCancelled,
    OrderLinesRefused,
    OrderModified,
    OrderPlaced,
    OrderRefused,
    OrderRequested,
    OrderReturned,
    OrderShipped,
    OrderStatusRequested,
    OrderUnknown,
    OrderUpdated,
    PaymentAuthorized,
    PaymentCaptured,
    PaymentFailed,
    PaymentRefunded,
    PaymentVoided,
    ProviderChanged,
    ProviderSubscriptionChanged,
    ReorderApproved,
    ShopCancelRequested,
    ShopOrderRequested,
    ShopReminded,
    SlotFollowed,
    SlotLevelChanged,
    StockAllocated,
    StockArrived,
    StockCounted,
    StockShort,
)
from services.order_dispatch.answers import api as answers_api
from services.order_dispatch.answers import shops as shops_api
from services.order_dispatch.callbacks import processing, redemption, sns, webhooks
from services.order_dispatch.callbacks.store import CallbackStore
from services.order_dispatch.linking import api as linking_api
from services.order_dispatch.linking import links
from services.order_dispatch.linking import tasks as linking
from services.order_dispatch.orders import api as orders_api
from services.order_dispatch.orders import handlers, payment, tasks
from services.order_dispatch.orders.store.measures import MEASURES
from services.order_dispatch.payments import api as payments_api
from services.order_dispatch.providers import api as providers_api
from services.order_dispatch.settings import Settings

router = APIRouter(prefix="/v1")
for part in (
    orders_api,
    providers_api,
    shops_api,
    answers_api,
    payments_api,
    webhooks,
    redemption,
    linking_api,
    sns,
):
    router.include_router(part.router)

SERVICE = Service(
    name="order_dispatch",
    store=CallbackStore,
    consumes={
        CustomerJoined: handlers.on_customer_settings,
        CustomerChanged: handlers.on_customer_settings,
        DeviceRegistered: handlers.on_device_registered,
        DeviceReplaced: handlers.on_device_replaced,
        DeviceDeregistered: handlers.on_device_deregistered,
        CustomerErased: handlers.on_customer_erased,
        ReorderApproved: handlers.on_reorder_approved,
        OrderUpdated: handlers.on_order_updated,
        StockAllocated: handlers.on_stock_allocated,
        StockShort: handlers.on_stock_short,
        SlotLevelChanged: links.on_slot_level_changed,
        StockArrived: links.on_stock_arrived,
        StockCounted: links.on_stock_counted,
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
        OrderLinesCancelled,
        OrderLinesRefused,
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
        PaymentAuthorized,
        PaymentCaptured,
        PaymentFailed,
        PaymentVoided,
        PaymentRefunded,
        LinkCreated,
        LinkEnded,
        SlotFollowed,
        ProviderSubscriptionChanged,
    ),
    jobs=(
        PeriodicJob(handlers.check_due_orders, every_seconds=60),
        PeriodicJob(payment.expire_payments, every_seconds=600),
        PeriodicJob(processing.process_interrupted, every_seconds=60),
        PeriodicJob(processing.delete_old_callbacks, every_seconds=3600),
        PeriodicJob(links.report_linked_devices, every_seconds=86400),
        PeriodicJob(sns.match_notifications, every_seconds=60),
    ),
    tasks=(
        # Read-only, so an interrupted attempt is repeated.
        TaskKind(
            "fetch_address",
            perform=tasks.perform_fetch_address,
            complete=tasks.on_address_fetched,
            reconcile=tasks.perform_fetch_address,
        ),
        TaskKind(
            "provider_call",
            perform=tasks.call_provider,
            complete=tasks.on_provider_called,
            reconcile=tasks.reconcile_provider_call,
        ),
        TaskKind(
            "withdraw_blocked",
            perform=tasks.acknowledge_block,
            complete=tasks.on_block_acknowledged,
            reconcile=tasks.acknowledge_block,
        ),
        *payment.PAYMENT_TASKS,
        *linking.TASKS,
        *sns.TASKS,
    ),
    measures=MEASURES,
    api=router,
    settings=Settings,
)
