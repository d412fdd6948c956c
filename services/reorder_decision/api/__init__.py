"""HTTP API of reorder decision."""

from fastapi import APIRouter

from services.reorder_decision.api import holidays, receipts, reorders, scores, subscriptions

router = APIRouter()
router.include_router(subscriptions.router)
router.include_router(reorders.router)
router.include_router(receipts.router)
router.include_router(holidays.router)
router.include_router(scores.router)

__all__ = ["router"]
