"""All SQL of reorder decisions."""

from services.reorder_decision.store.devices import Devices
from services.reorder_decision.store.offers import Offers
from services.reorder_decision.store.receipts import Receipts
from services.reorder_decision.store.subscriptions import Subscriptions
from services.reorder_decision.store.turns import Turns


class Store(Turns, Devices, Offers, Subscriptions, Receipts):
    """Everything this service remembers."""


__all__ = ["Store"]
