"""Endpoints for providers: signed order callbacks and token redemption."""

from fastapi import APIRouter

from libs.kit import PeriodicJob
from services.order_dispatch.callbacks import receiving, redeeming
from services.order_dispatch.callbacks.judging import forget_old_callbacks, judge_waiting

router = APIRouter(tags=["providers"])
router.include_router(receiving.router)
router.include_router(redeeming.router)

JOBS = (PeriodicJob(judge_waiting, every_seconds=60), PeriodicJob(forget_old_callbacks, every_seconds=3600))

__all__ = ["JOBS", "router"]
