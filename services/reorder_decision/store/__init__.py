"""All SQL of reorder decision."""

from services.reorder_decision.store.devices import Devices
from services.reorder_decision.store.holidays import Holidays
from services.reorder_decision.store.offers import Offers
from services.reorder_decision.store.receipts import Receipts
from services.reorder_decision.store.records import Records
from services.reorder_decision.store.subscriptions import Subscriptions
from services.reorder_decision.store.turns import Turns


class Store(Turns, Devices, Offers, Subscriptions, Receipts, Holidays, Records):
    """All tables of the service in one transaction."""


__all__ = ["Store"]
