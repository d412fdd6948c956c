"""Orders, providers and offers over HTTP."""

from fastapi import APIRouter

from services.order_dispatch import callbacks, linking, sns
from services.order_dispatch.api import aftercare, answers, orders, providers, secrets, shop_orders, shops, updates
from services.order_dispatch.payments import api as payments

router = APIRouter(prefix="/v1")
router.include_router(orders.router)
router.include_router(aftercare.router)
router.include_router(providers.router)
router.include_router(secrets.router)
router.include_router(updates.router)
router.include_router(shops.router)
router.include_router(shop_orders.router)
router.include_router(answers.router)
router.include_router(payments.router)
router.include_router(callbacks.router)
router.include_router(linking.router)
router.include_router(sns.router)

__all__ = ["router"]
