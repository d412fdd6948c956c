"""What became of an order's money."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from libs.kit.http.auth import Principal
from libs.kit.http.dependencies import KitDep, PrincipalDep, RequiredIdempotencyDep, require
from libs.kit.http.idempotency import send
from libs.kit.http.problems import ProblemError
from replenish_contracts.catalogue import NO_NUL
from replenish_contracts.units import format_money
from services.order_dispatch.payments.domain import Payment

router = APIRouter(tags=["payments"])


class GiveUpBody(BaseModel):
    """How it is known that the step did not happen, or that it was undone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: Annotated[str, Field(min_length=1, max_length=200, pattern=NO_NUL)]


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


@router.post("/payments/{payment_id}/give-up", status_code=202)
async def give_up_payment(
    payment_id: str, body: GiveUpBody, kit: KitDep, principal: PrincipalDep, key: RequiredIdempotencyDep
) -> Any:
    """Let the step of an unknown payment end as one that did not happen, once that is so at the payment service.

    For operators, where the service's own answer can never be believed; it ends with the next look, within minutes.
    """
    require(principal, "operator")
    async with kit.transaction(idempotency=key) as tx:
        if tx.replayed:
            return send(tx.replayed, replayed=True)
        if not await tx.store.give_up(payment_id, f"given up by an operator: {body.reason}"):
            raise ProblemError(409, "not_unknown", "There is no such payment whose outcome is unknown")
        return send(tx.respond(202, {"payment_id": payment_id, "given_up": body.reason}))


def _owned(payment: Payment | None, principal: Principal) -> Payment:
    mine = payment is not None and (
        principal.role in ("operator", "service") or principal.customer_id == payment.customer_id
    )
    if payment is None or not mine:
        raise ProblemError(404, "no_such_payment", "There is no such payment")
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
