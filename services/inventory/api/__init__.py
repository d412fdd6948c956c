"""What people and programs may ask of the ledger, and change in it."""

from fastapi import APIRouter

from services.inventory.api import carts, checkouts, inventories, movements, owners, shelves

#: A provider's own token says whose stock it is; others name the owner.
WHOSE = ("/v1/owners/{owner_id}", "/v1", "")

router = APIRouter()
for routes in (shelves, carts, checkouts):
    router.include_router(routes.router)
for prefix in WHOSE:
    for routes in (owners, inventories, movements):
        router.include_router(routes.router, prefix=prefix)

__all__ = ["router"]
