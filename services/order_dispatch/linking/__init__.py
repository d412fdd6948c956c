"""Customers link their devices with providers that know them: OAuth 2 with PKCE, tokens, reports, and the end of it."""

from libs.kit import PeriodicJob
from libs.kit.service import Handler
from replenish_contracts.catalogue import Event
from replenish_contracts.events import (
    LinkCreated,
    LinkEnded,
    ProviderSubscriptionChanged,
    SlotFollowed,
    SlotLevelChanged,
    StockArrived,
    StockCounted,
)
from services.order_dispatch.linking.api import router
from services.order_dispatch.linking.effects import TASKS
from services.order_dispatch.linking.endings import end_links_of_customer, end_links_of_device, move_links
from services.order_dispatch.linking.hearing import (
    on_slot_level_changed,
    on_stock_arrived,
    on_stock_counted,
    report_devices,
)
from services.order_dispatch.linking.lines import linked_line

CONSUMES: dict[type[Event], Handler] = {
    SlotLevelChanged: on_slot_level_changed,
    StockArrived: on_stock_arrived,
    StockCounted: on_stock_counted,
}
PUBLISHES = (LinkCreated, LinkEnded, SlotFollowed, ProviderSubscriptionChanged)
JOBS = (PeriodicJob(report_devices, every_seconds=86400),)

__all__ = [
    "CONSUMES",
    "JOBS",
    "PUBLISHES",
    "TASKS",
    "end_links_of_customer",
    "end_links_of_device",
    "linked_line",
    "move_links",
    "router",
]
