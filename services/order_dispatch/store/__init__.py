"""All SQL of order_dispatch."""

from services.order_dispatch.domain import Patience
from services.order_dispatch.payments.store import PaymentStore
from services.order_dispatch.store.aftercare import Aftercare
from services.order_dispatch.store.callbacks import Callbacks
from services.order_dispatch.store.devices import Devices
from services.order_dispatch.store.hosting import Hosting
from services.order_dispatch.store.link_clients import LinkClients
from services.order_dispatch.store.link_slots import LinkSlots
from services.order_dispatch.store.link_tokens import LinkTokens
from services.order_dispatch.store.links import Links
from services.order_dispatch.store.notifications import Notifications
from services.order_dispatch.store.offers import Offers
from services.order_dispatch.store.orders import Orders
from services.order_dispatch.store.records import Records
from services.order_dispatch.store.references import References
from services.order_dispatch.store.tokens import Tokens
from services.order_dispatch.store.updates import Updates


class Store(
    Aftercare,
    Callbacks,
    Devices,
    Hosting,
    LinkClients,
    Links,
    LinkSlots,
    LinkTokens,
    Notifications,
    Offers,
    Orders,
    PaymentStore,
    Records,
    References,
    Tokens,
    Updates,
):
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
            doubt_minutes=knobs.doubt_minutes,
            remind_hours=knobs.keeper_remind_hours,
            keeper_hours=knobs.keeper_answer_hours,
        )


__all__ = ["Store"]
