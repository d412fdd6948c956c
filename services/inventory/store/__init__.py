"""All SQL of the ledger of goods."""

from services.inventory.domain import Goods
from services.inventory.store.checkouts import Cart, Checkout, Checkouts
from services.inventory.store.consignments import Consignments
from services.inventory.store.devices import Devices
from services.inventory.store.ledger import Ledger, Origin
from services.inventory.store.listing import Listing, Unit
from services.inventory.store.provisions import Provision, Provisions
from services.inventory.store.restocks import Restocks
from services.inventory.store.unexplained_loads import UnexplainedLoads
from services.inventory.store.warehouses import Warehouses, transaction_id


class Store(Ledger, Consignments, UnexplainedLoads, Devices, Warehouses, Provisions, Restocks, Checkouts, Listing):
    """One transaction over the ledger, allocations, carts, checkouts and devices."""


__all__ = ["Cart", "Checkout", "Goods", "Origin", "Provision", "Store", "Unit", "transaction_id"]
