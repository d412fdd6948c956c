"""HTTP API of inventory."""

from fastapi import APIRouter

from services.inventory.api import carts, checkouts, inventories, movements, owners, shelves

#: The owner defaults to the provider of the token; operators and services name it in the path.
OWNER_PREFIXES = ("/v1/owners/{owner_id}", "/v1", "")

router = APIRouter()
for routes in (shelves, carts, checkouts):
    router.include_router(routes.router)
for prefix in OWNER_PREFIXES:
    for routes in (owners, inventories, movements):
        router.include_router(routes.router, prefix=prefix)

__all__ = ["router"]
