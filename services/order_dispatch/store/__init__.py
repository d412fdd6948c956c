"""All SQL of order_dispatch."""

from services.order_dispatch.domain import Patience
from services.order_dispatch.store.devices import Devices
from services.order_dispatch.store.link_clients import LinkClients
from services.order_dispatch.store.link_slots import LinkSlots
from services.order_dispatch.store.link_tokens import LinkTokens
from services.order_dispatch.store.links import Links
from services.order_dispatch.store.notifications import Notifications
from services.order_dispatch.store.offers import Offers
from services.order_dispatch.store.orders import Orders
from services.order_dispatch.store.records import Records
from services.order_dispatch.store.updates import Updates


class Store(Devices, LinkClients, Links, LinkSlots, LinkTokens, Notifications, Offers, Orders, Records, Updates):
    """One transaction over orders, their history, providers, offers and the slots goods go to."""

    @property
    def patience(self) -> Patience:
        """Return how long is waited for what, as the decisions take it."""
        knobs = self.settings
        return Patience(
            answer_hours=knobs.answer_hours,
            ask_again_hours=knobs.ask_again_hours,
            ask_again_at_most_hours=knobs.ask_again_at_most_hours,
            lead_time_days=knobs.default_lead_time_days,
            longest_promise_days=knobs.longest_promise_days,
        )


__all__ = ["Store"]
