"""All SQL of the ledger of goods."""

from services.inventory.domain import Goods
from services.inventory.store.checkouts import Cart, Checkout, Checkouts
from services.inventory.store.devices import Devices
from services.inventory.store.early import Early
from services.inventory.store.journeys import Journeys
from services.inventory.store.ledger import Ledger, Origin
from services.inventory.store.listing import Listing, Unit
from services.inventory.store.provisions import Provision, Provisions
from services.inventory.store.restocks import Restocks
from services.inventory.store.warehouses import Warehouses, transaction_id


class Store(Ledger, Journeys, Early, Devices, Warehouses, Provisions, Restocks, Checkouts, Listing):
    """Everything this service remembers."""


__all__ = ["Cart", "Checkout", "Goods", "Origin", "Provision", "Store", "Unit", "transaction_id"]
