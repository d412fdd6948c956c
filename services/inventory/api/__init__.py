"""What people and programs may ask of the ledger, and change in it."""

from services.inventory.api.shelves import router

__all__ = ["router"]
