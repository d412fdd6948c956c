"""What became of an order's money."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from libs.kit.identity import Principal
from libs.kit.problems import Problem
from libs.kit.web import KitDep, PrincipalDep, require
from libs.units import format_money
from services.order_dispatch.payments.domain import Payment

router = APIRouter(tags=["payments"])


@router.get("/orders/{order_id}/payment")
async def get_payment(order_id: str, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    """An order's payment with every move it made; to strangers it does not exist."""
    async with kit.read() as store:
        payment = _owned(await store.find_payment(order_id), principal)
        moves = await store.list_moves(payment.payment_id)
    return _show(payment) | {"history": [dict(move) for move in moves]}


@router.get("/payments/unknown")
async def list_unknown_payments(
    kit: KitDep, principal: PrincipalDep, limit: Annotated[int, Query(ge=1, le=500)] = 100
) -> dict[str, Any]:
    """Payments of which nobody knows how a step ended, the longest first; for operators."""
    require(principal, "operator")
    async with kit.read() as store:
        rows = await store.list_unknown_payments(limit)
    return {"payments": [dict(row) for row in rows]}


def _owned(payment: Payment | None, principal: Principal) -> Payment:
    mine = payment is not None and (
        principal.role in ("operator", "service") or principal.customer_id == payment.customer_id
    )
    if payment is None or not mine:
        raise Problem(404, "no_such_payment", "There is no such payment")
    return payment


def _show(payment: Payment) -> dict[str, Any]:
    def money(minor: int) -> dict[str, str]:
        return {"amount": format_money(minor, payment.currency), "currency": payment.currency}

    return {
        "payment_id": payment.payment_id,
        "order_id": payment.order_id,
        "service": payment.service,
        "state": payment.state,
        "step": payment.step,
        "reason": payment.reason,
        "price": money(payment.amount),
        "authorized": money(payment.authorized),
        "captured": money(payment.captured),
        "refunded": money(payment.refunded),
        "reference": payment.reference,
        "expires_at": payment.expires_at,
    }
