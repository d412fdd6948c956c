"""Means of payment and payments over HTTP."""

from fastapi import APIRouter

from services.order_dispatch.payments.api import methods, payments

router = APIRouter()
router.include_router(methods.router)
router.include_router(payments.router)

__all__ = ["router"]
