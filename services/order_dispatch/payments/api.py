"""Payment methods and payments over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from libs.kit import Kit
from libs.kit.http.auth import Principal
from libs.kit.http.dependencies import KitDep, PrincipalDep, RequiredIdempotencyDep, require, require_customer
from libs.kit.http.idempotency import send
from libs.kit.http.problems import ProblemError
from replenish_contracts.catalogue import NO_NUL
from replenish_contracts.units import InvalidAmountError, format_money, parse_money
from services.order_dispatch.payments.domain.decisions import Mandate
from services.order_dispatch.payments.domain.payment import Payment
from services.order_dispatch.payments.services import PAYMENT_SERVICES
from services.order_dispatch.payments.store import PaymentMethod, token_owner
from services.order_dispatch.sealing import UnsealError, read_keys, seal

router = APIRouter(tags=["payments"])
Short = Annotated[str, Field(min_length=1, max_length=200, pattern=NO_NUL)]


class MandateBody(BaseModel):
    """The most one order may cost, in decimals of its currency."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    amount: Annotated[str, Field(max_length=100)] | int | float
    currency: Short


class PaymentMethodBody(BaseModel):
    """A means of payment as the payment service knows it: a token, never a card number."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    service: Short
    token: Annotated[str, Field(min_length=1, max_length=500, pattern=NO_NUL)]
    mandate: MandateBody


@router.put("/customers/{customer_id}/payment-method")
async def put_payment_method(
    customer_id: str, body: PaymentMethodBody, kit: KitDep, principal: PrincipalDep
) -> dict[str, Any]:
    """Set what a customer pays with at a payment service; orders that are being paid keep what they began with."""
    _require_access(principal, customer_id)
    if body.service not in PAYMENT_SERVICES:
        errors = [{"field": "service", "problem": f"known: {', '.join(sorted(PAYMENT_SERVICES))}"}]
        raise ProblemError(422, "unknown_payment_service", "There is no such payment service", errors=errors)
    mandate = _read_mandate(body.mandate)
    sealed = _sealed(body, customer_id, kit)
    async with kit.transaction() as tx:
        if not await tx.store.lock_customer(customer_id):
            raise ProblemError(404, "no_such_customer", "There is no such customer any more")
        method = PaymentMethod(customer_id, body.service, sealed, mandate, tx.store.now)
        await tx.store.save_payment_method(method)
    return _show_method(method)


@router.get("/customers/{customer_id}/payment-method")
async def get_payment_methods(customer_id: str, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    """What a customer pays with, without the tokens."""
    _require_access(principal, customer_id)
    async with kit.read() as store:
        methods = await store.list_payment_methods(customer_id)
    return {"payment_methods": [_show_method(method) for method in methods]}


@router.delete("/customers/{customer_id}/payment-method", status_code=204)
async def delete_payment_methods(
    customer_id: str, kit: KitDep, principal: PrincipalDep, service: str | None = None
) -> Response:
    """Forget what a customer pays with, at one payment service or at all; repeating it changes nothing."""
    _require_access(principal, customer_id)
    async with kit.transaction() as tx:
        await tx.store.delete_payment_methods(customer_id, service)
    return Response(status_code=204)


def _require_access(principal: Principal, customer_id: str) -> None:
    require(principal, "operator", "customer")
    require_customer(principal, customer_id)


def _read_mandate(body: MandateBody) -> Mandate:
    try:
        amount = parse_money(body.amount, body.currency)
    except InvalidAmountError as refused:
        error = {"field": "mandate", "problem": refused.problem, "remedy": refused.remedy}
        raise ProblemError(
            422, refused.code, "The mandate is not clear", detail=str(refused), errors=[error]
        ) from refused
    if amount <= 0:
        errors = [{"field": "mandate", "problem": "must be more than 0"}]
        raise ProblemError(422, "out_of_range", "A mandate is more than nothing", errors=errors)
    return Mandate(amount, body.currency)


def _sealed(body: PaymentMethodBody, customer_id: str, kit: Kit) -> bytes:
    try:
        keys = read_keys(kit.settings.sealing_key)  # type: ignore[attr-defined]  # the kit knows only its own settings
    except UnsealError as error:
        detail = "The operator has to set a sealing_key."
        raise ProblemError(503, "no_sealing_key", "Tokens cannot be kept here", detail=detail) from error
    return seal(keys, body.token, token_owner(customer_id, body.service))


def _show_method(method: PaymentMethod) -> dict[str, Any]:
    mandate = method.mandate
    return {
        "service": method.service,
        "mandate": {"amount": format_money(mandate.amount, mandate.currency), "currency": mandate.currency},
        "changed_at": method.changed_at,
    }


class GiveUpBody(BaseModel):
    """How it is known that the step did not happen, or that it was undone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: Annotated[str, Field(min_length=1, max_length=200, pattern=NO_NUL)]


@router.get("/orders/{order_id}/payment")
async def get_payment(order_id: str, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    """An order's payment with every move it made; to strangers it does not exist."""
    async with kit.read() as store:
        payment = _owned(await store.find_payment(order_id), principal)
        transitions = await store.list_payment_transitions(payment.payment_id)
    return _show_payment(payment) | {"history": [dict(move) for move in transitions]}


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


def _show_payment(payment: Payment) -> dict[str, Any]:
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
