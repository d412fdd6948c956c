"""What people and programs may ask of reorder decisions, and tell them."""

from fastapi import APIRouter

from services.reorder_decision.api import receipts, reorders, subscriptions

router = APIRouter()
router.include_router(subscriptions.router)
router.include_router(reorders.router)
router.include_router(receipts.router)

__all__ = ["router"]
