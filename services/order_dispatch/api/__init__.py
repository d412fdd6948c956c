"""Orders, providers and offers over HTTP."""

from fastapi import APIRouter

from services.order_dispatch.api import aftercare, orders, providers, updates

router = APIRouter(prefix="/v1")
router.include_router(orders.router)
router.include_router(aftercare.router)
router.include_router(providers.router)
router.include_router(updates.router)

__all__ = ["router"]
