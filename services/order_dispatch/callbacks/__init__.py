"""Endpoints for providers: signed order callbacks and token redemption."""

from fastapi import APIRouter

from libs.kit import Tick
from services.order_dispatch.callbacks import receiving, redeeming
from services.order_dispatch.callbacks.judging import forget_old_callbacks, judge_waiting

router = APIRouter(tags=["providers"])
router.include_router(receiving.router)
router.include_router(redeeming.router)

TICKS = (Tick(judge_waiting, every_seconds=60), Tick(forget_old_callbacks, every_seconds=3600))

__all__ = ["TICKS", "router"]
