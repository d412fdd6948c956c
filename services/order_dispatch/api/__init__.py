"""Orders, providers and offers over HTTP."""

from fastapi import APIRouter

from services.order_dispatch import linking, sns
from services.order_dispatch.api import orders, providers, updates

router = APIRouter(prefix="/v1")
router.include_router(orders.router)
router.include_router(providers.router)
router.include_router(updates.router)
router.include_router(linking.router)
router.include_router(sns.router)

__all__ = ["router"]
