"""HTTP API of customers' payment methods and of payments."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from libs.kit import Kit
from libs.kit.http.auth import Principal
from libs.kit.http.dependencies import KitDep, PrincipalDep, RequiredIdempotencyDep, require, require_customer
from libs.kit.http.idempotency import command
from libs.kit.http.problems import ProblemError
from replenish_contracts.catalogue import NO_NUL
from replenish_contracts.events import PaymentStep
from replenish_contracts.units import InvalidAmountError, format_money, parse_money
from services.order_dispatch.payments.domain.decisions import Mandate
from services.order_dispatch.payments.domain.payment import Payment
from services.order_dispatch.payments.domain.states import IN_PROGRESS, PaymentState
from services.order_dispatch.payments.services import PAYMENT_SERVICES, describe_payment_service
from services.order_dispatch.payments.store import PaymentMethod, token_owner
from services.order_dispatch.sealing import UnsealError, seal, sealing_keys

router = APIRouter(tags=["payments"])
Short = Annotated[str, Field(min_length=1, max_length=200, pattern=NO_NUL)]


class MandateBody(BaseModel):
    """The maximum price of one order, in decimals of its currency."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    amount: Annotated[str, Field(max_length=100)] | int | float
    currency: Short


class PaymentMethodBody(BaseModel):
    """The payment service's token for a payment method; card numbers are not accepted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    service: Short
    token: Annotated[str, Field(min_length=1, max_length=500, pattern=NO_NUL)]
    mandate: MandateBody


@router.put("/customers/{customer_id}/payment-method")
async def put_payment_method(
    customer_id: str, body: PaymentMethodBody, kit: KitDep, principal: PrincipalDep
) -> dict[str, Any]:
    """Set a customer's payment method at a payment service. Payments in progress keep the previous one."""
    _require_access(principal, customer_id)
    if body.service not in PAYMENT_SERVICES:
        known = ", ".join(sorted(PAYMENT_SERVICES))
        errors = [{"field": "service", "problem": f"known: {known}", "remedy": f"send one of {known}"}]
        raise ProblemError(422, "unknown_payment_service", "There is no such payment service", errors=errors)
    mandate = _parse_mandate(body.mandate)
    _check_currency(mandate.currency, body.service)
    sealed = _seal_token(body, customer_id, kit)
    async with kit.transaction() as tx:
        await tx.store.lock_customer(customer_id)
        if await tx.store.is_customer_erased(customer_id):
            title, remedy = "The customer no longer exists", "the account was deleted; use another customer_id"
            raise ProblemError.of_missing("no_such_customer", title, "customer", "customer_id", remedy)
        method = PaymentMethod(customer_id, body.service, sealed, mandate, tx.store.now)
        await tx.store.save_payment_method(method)
    return _show_method(method)


@router.get("/customers/{customer_id}/payment-method")
async def get_payment_methods(customer_id: str, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    """List a customer's payment methods, without their tokens."""
    _require_access(principal, customer_id)
    async with kit.read() as store:
        methods = await store.list_payment_methods(customer_id)
    return {"payment_methods": [_show_method(method) for method in methods]}


@router.delete("/customers/{customer_id}/payment-method", status_code=204)
async def delete_payment_methods(
    customer_id: str, kit: KitDep, principal: PrincipalDep, service: str | None = None
) -> Response:
    """Delete a customer's payment method at one payment service, or all of them. Idempotent."""
    _require_access(principal, customer_id)
    async with kit.transaction() as tx:
        await tx.store.delete_payment_methods(customer_id, service)
    return Response(status_code=204)


def _require_access(principal: Principal, customer_id: str) -> None:
    require(principal, "operator", "customer")
    require_customer(principal, customer_id)


MANDATE_REMEDY = "send the most that one order may cost"


def _parse_mandate(body: MandateBody) -> Mandate:
    try:
        amount = parse_money(body.amount, body.currency)
    except InvalidAmountError as error:
        errors = [{"field": "mandate", "problem": error.problem, "remedy": error.remedy}]
        raise ProblemError(422, error.code, "The mandate is not valid", detail=str(error), errors=errors) from error
    if amount <= 0:
        errors = [{"field": "mandate", "problem": "must be more than 0", "remedy": MANDATE_REMEDY}]
        raise ProblemError(422, "out_of_range", "The mandate must be more than 0", errors=errors)
    return Mandate(amount, body.currency)


def _check_currency(currency: str, service: str) -> None:
    if not describe_payment_service(service).find_rules(currency).is_charged:
        problem = f"{service} does not charge in {currency}"
        remedy = "send the limit in the currency of the orders"
        errors = [{"code": "unsupported_currency", "field": "mandate.currency", "problem": problem, "remedy": remedy}]
        raise ProblemError(422, "unsupported_currency", "The mandate is not valid", errors=errors)


def _seal_token(body: PaymentMethodBody, customer_id: str, kit: Kit) -> bytes:
    try:
        keys = sealing_keys(kit)
    except UnsealError as error:
        detail = "Set SEALING_KEY of order_dispatch."
        raise ProblemError(
            503,
            "no_sealing_key",
            "Payment methods cannot be stored",
            detail=detail,
            problem="the service has no key to encrypt tokens",
            remedy="set SEALING_KEY of order_dispatch, then send the request again",
        ) from error
    return seal(keys, body.token, token_owner(customer_id, body.service))


def _show_method(method: PaymentMethod) -> dict[str, Any]:
    mandate = method.mandate
    return {
        "service": method.service,
        "mandate": {"amount": format_money(mandate.amount, mandate.currency), "currency": mandate.currency},
        "changed_at": method.changed_at,
    }


class GiveUpBody(BaseModel):
    """Evidence that the step was not performed, or was undone."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: Annotated[str, Field(min_length=1, max_length=200, pattern=NO_NUL)]


@router.get("/orders/{order_id}/payment")
async def get_payment(order_id: str, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    """Get an order's payment with its captures and its history; 404 for other customers."""
    async with kit.read() as store:
        payment = await store.find_payment(order_id)
        if payment is None or not _may_see(principal, payment):
            title, remedy = "There is no such payment", "an order has a payment once it is authorized here"
            raise ProblemError.of_missing("no_such_payment", title, "payment of an order", "order_id", remedy)
        transitions = await store.list_payment_transitions(payment.payment_id)
    history = [dict(transition) for transition in transitions]
    return _show_payment(payment) | {"captures": _show_captures(payment, history), "history": history}


@router.get("/payments/unknown")
async def list_unknown_payments(
    kit: KitDep, principal: PrincipalDep, limit: Annotated[int, Query(ge=1, le=500)] = 100
) -> dict[str, Any]:
    """List payments with an unknown outcome, the longest unknown first; for operators."""
    require(principal, "operator")
    async with kit.read() as store:
        rows = await store.list_unknown_payments(limit)
    return {"payments": [dict(row) for row in rows]}


@router.post("/payments/{payment_id}/give-up", status_code=202)
async def give_up_payment(
    payment_id: str, body: GiveUpBody, kit: KitDep, principal: PrincipalDep, key: RequiredIdempotencyDep
) -> Any:
    """End the step of an unknown payment as not performed, after it was resolved at the payment service; for operators.

    Takes effect at the next reconciliation, within minutes; the payment service's own answer no longer counts.
    """
    require(principal, "operator")
    async with command(kit, key) as tx:
        if not await tx.store.give_up(payment_id, f"given up by an operator: {body.reason}"):
            raise ProblemError(
                409,
                "not_unknown",
                "The payment does not exist or its outcome is known",
                field="path.payment_id",
                problem="the payment {payment_id} does not exist, or its outcome is known",
                remedy="GET /v1/payments/unknown lists the payments that can be given up",
            )
        return tx.respond(202, {"payment_id": payment_id, "given_up": body.reason})


def _may_see(principal: Principal, payment: Payment) -> bool:
    return principal.role in ("operator", "service") or principal.customer_id == payment.customer_id


def _show_captures(payment: Payment, history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    in_progress = (*IN_PROGRESS.values(), PaymentState.UNKNOWN)
    return [
        _show_money(transition["amount"], payment) | {"captured_at": transition["occurred_at"]}
        for transition in history
        if transition["step"] == PaymentStep.CAPTURE and transition["to_state"] not in in_progress
        if transition["amount"]  # 0 if the capture was declined
    ]


def _show_money(minor: int, payment: Payment) -> dict[str, str]:
    return {"amount": format_money(minor, payment.currency), "currency": payment.currency}


def _show_payment(payment: Payment) -> dict[str, Any]:
    return {
        "payment_id": payment.payment_id,
        "order_id": payment.order_id,
        "service": payment.service,
        "state": payment.state,
        "step": payment.step,
        "reason": payment.reason,
        "price": _show_money(payment.amount, payment),
        "authorized": _show_money(payment.authorized, payment),
        "captured": _show_money(payment.captured, payment),
        "refunded": _show_money(payment.refunded, payment),
        "released": _show_money(payment.released, payment),
        "reference": payment.reference,
        "expires_at": payment.expires_at,
    }
