"""Customers say what they pay with, and up to how much an order may cost; tokens come in and never go out."""

from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from libs.kit import Kit
from libs.kit.http.auth import Principal
from libs.kit.http.dependencies import KitDep, PrincipalDep, require, require_customer
from libs.kit.http.problems import ProblemError
from replenish_contracts.catalogue import NO_NUL
from replenish_contracts.units import InvalidAmountError, format_money, parse_money
from services.order_dispatch.payments.acting import services
from services.order_dispatch.payments.domain import Mandate
from services.order_dispatch.payments.store import PaymentMethod, about
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
    _let_in(principal, customer_id)
    if body.service not in services():
        errors = [{"field": "service", "problem": f"known: {', '.join(sorted(services()))}"}]
        raise ProblemError(422, "unknown_payment_service", "There is no such payment service", errors=errors)
    mandate = _read_mandate(body.mandate)
    sealed = _sealed(body, customer_id, kit)
    async with kit.transaction() as tx:
        if not await tx.store.lock_customer(customer_id):
            raise ProblemError(404, "no_such_customer", "There is no such customer any more")
        method = PaymentMethod(customer_id, body.service, sealed, mandate, tx.store.now)
        await tx.store.save_payment_method(method)
    return _show(method)


@router.get("/customers/{customer_id}/payment-method")
async def get_payment_methods(customer_id: str, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    """What a customer pays with, without the tokens."""
    _let_in(principal, customer_id)
    async with kit.read() as store:
        methods = await store.list_payment_methods(customer_id)
    return {"payment_methods": [_show(method) for method in methods]}


@router.delete("/customers/{customer_id}/payment-method", status_code=204)
async def delete_payment_methods(
    customer_id: str, kit: KitDep, principal: PrincipalDep, service: str | None = None
) -> Response:
    """Forget what a customer pays with, at one payment service or at all; repeating it changes nothing."""
    _let_in(principal, customer_id)
    async with kit.transaction() as tx:
        await tx.store.delete_payment_methods(customer_id, service)
    return Response(status_code=204)


def _let_in(principal: Principal, customer_id: str) -> None:
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
    return seal(keys, body.token, about(customer_id, body.service))


def _show(method: PaymentMethod) -> dict[str, Any]:
    mandate = method.mandate
    return {
        "service": method.service,
        "mandate": {"amount": format_money(mandate.amount, mandate.currency), "currency": mandate.currency},
        "changed_at": method.changed_at,
    }
