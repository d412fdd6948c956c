"""All SQL of the ledger of goods."""

from services.inventory.store.devices import Devices
from services.inventory.store.early import Early
from services.inventory.store.journeys import Journeys
from services.inventory.store.ledger import Goods, Ledger, Origin
from services.inventory.store.listing import Listing, Unit


class Store(Ledger, Journeys, Early, Devices, Listing):
    """Everything this service remembers."""


__all__ = ["Goods", "Origin", "Store", "Unit"]
