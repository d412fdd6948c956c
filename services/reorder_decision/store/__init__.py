"""All SQL of reorder decision."""

from services.reorder_decision.store.decisions import Decisions
from services.reorder_decision.store.devices import Devices
from services.reorder_decision.store.holidays import Holidays
from services.reorder_decision.store.links import Links
from services.reorder_decision.store.offers import Offers
from services.reorder_decision.store.receipts import Receipts
from services.reorder_decision.store.scorecards import Scorecards
from services.reorder_decision.store.subscriptions import Subscriptions


class Store(Decisions, Devices, Links, Offers, Subscriptions, Receipts, Holidays, Scorecards):
    """All tables of the service in one transaction."""


__all__ = ["Store"]
