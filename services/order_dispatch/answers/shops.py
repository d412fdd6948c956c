"""HTTP API of hosted shops: registration, admission, terms, orders and answers."""

import re
from typing import Annotated, Any, NamedTuple
from uuid import uuid4

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from libs.kit import Kit, RejectedError, RetryLaterError
from libs.kit.http.app import KitDep, PrincipalDep, RequiredIdempotencyDep, require, send
from libs.kit.http.idempotency import IdempotentRequest
from libs.kit.http.identity import Principal
from libs.kit.http.problems import ProblemError
from replenish_contracts.catalogue import NO_NUL, Moment, Text
from replenish_contracts.units import InvalidAmountError, parse_quantity
from services.order_dispatch.answers.answering import (
    SHOP_STEPS,
    AnswerDetail,
    ConflictingAnswerError,
    Step,
    StepRefusedError,
    find_answerable,
    take_answer,
)
from services.order_dispatch.domain.order import Order
from services.order_dispatch.domain.provider import Provider
from services.order_dispatch.domain.states import CLOSED
from services.order_dispatch.orders.shapes import show_order
from services.order_dispatch.orders.tasks import fetch_address
from services.order_dispatch.providers.api import ProviderId, provider_changed, require_provider, show_provider
from services.order_dispatch.providers.hosted import Terms
from services.order_dispatch.providers.shapes import Amount, Body, Short

router = APIRouter(tags=["shops"])


class ShopBody(Body):
    """Registration of a hosted shop."""

    name: Short
    terms: Terms
    #: Days from acceptance to delivery.
    lead_time_days: Annotated[float, Field(gt=0, le=60, allow_inf_nan=False)] = 3


class TermsBody(Body):
    """New terms of a shop; they replace the old ones."""

    terms: Terms
    lead_time_days: Annotated[float, Field(gt=0, le=60, allow_inf_nan=False)] = 3


class AdmissionBody(Body):
    """Whether the shop receives orders."""

    admitted: bool


@router.post("/shops", status_code=201)
async def join_shop(body: ShopBody, kit: KitDep, principal: PrincipalDep, key: RequiredIdempotencyDep) -> Any:
    """Register a hosted shop. It receives no orders until an operator admits it."""
    require(principal, "operator", "service")
    slug = re.sub("[^a-z0-9]+", "-", body.name.lower()).strip("-")[:40] or "shop"
    provider = Provider(
        provider_id=f"{slug}-{uuid4().hex[:6]}",
        name=body.name,
        protocol="hosted",
        active=False,
        lead_time_days=body.lead_time_days,
        account=body.terms.model_dump(mode="json"),
    )
    async with kit.transaction(idempotency=key) as tx:
        if tx.replayed:
            return send(tx.replayed, replayed=True)
        await tx.store.save_provider(provider)
        tx.publish(provider_changed(provider))
        itself = Principal("shop", "provider", provider_id=provider.provider_id)
        return send(tx.respond(201, show_provider(provider, [], itself)))


@router.post("/providers/{provider_id}/admission")
async def admit_shop(
    provider_id: ProviderId, body: AdmissionBody, kit: KitDep, principal: PrincipalDep, key: RequiredIdempotencyDep
) -> Any:
    require(principal, "operator")
    return await _change_shop(provider_id, {"active": body.admitted}, kit, principal, key)


@router.put("/providers/{provider_id}/terms")
async def put_terms(provider_id: ProviderId, body: TermsBody, kit: KitDep, principal: PrincipalDep) -> Any:
    require_provider(principal, provider_id)
    changes = {"account": body.terms.model_dump(mode="json"), "lead_time_days": body.lead_time_days}
    return await _change_shop(provider_id, changes, kit, principal)


async def _change_shop(
    provider_id: str, changes: dict[str, Any], kit: Kit, principal: Principal, key: IdempotentRequest | None = None
) -> Any:
    async with kit.transaction(idempotency=key) as tx:
        if tx.replayed:
            return send(tx.replayed, replayed=True)
        provider = await tx.store.lock_provider(provider_id)
        if provider is None or provider.protocol != "hosted":
            raise ProblemError(404, "no_such_shop", "There is no such shop")
        changed = Provider(**{**{name: getattr(provider, name) for name in provider.__slots__}, **changes})
        await tx.store.save_provider(changed)
        tx.publish(provider_changed(changed))
        offers = [offer for offer in await tx.store.list_offers() if offer.provider_id == provider_id]
        return send(tx.respond(200, show_provider(changed, offers, principal)))


#: Fields of an order that a shop does not see.
CUSTOMER_FIELDS = ("customer_id", "pool_id", "device_id", "slot", "receipt_id", "fraud_at", "fraud_cleared_at")


class AnswerBody(Body):
    """Optional content of a shop's answer; the quantity is in the order's unit."""

    reason: Text | None = None
    tracking: Annotated[str, Field(max_length=200, pattern=NO_NUL)] | None = None
    quantity: Amount | None = None
    expected_at: Moment | None = None


@router.get("/providers/{provider_id}/orders")
async def list_shop_orders(
    provider_id: ProviderId,
    kit: KitDep,
    principal: PrincipalDep,
    is_open: Annotated[bool, Query(alias="open")] = True,
    before: Short | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
) -> dict[str, Any]:
    """List a shop's orders, newest first; `open` selects those that are not delivered or ended."""
    require_provider(principal, provider_id)
    async with kit.read() as store:
        last = await store.find_order(before) if before else None
        if before and (last is None or last.provider_id != provider_id):
            raise _no_such_order()
        place = (last.drafted_at, last.order_id) if last else None
        orders = await store.list_shop_orders(provider_id, place, limit, is_open=is_open)
    return {"orders": [show_to_shop(order) for order in orders]}


@router.get("/providers/{provider_id}/orders/{order_id}")
async def get_shop_order(
    provider_id: ProviderId, order_id: Short, kit: KitDep, principal: PrincipalDep
) -> dict[str, Any]:
    """Return an order with the customer's current address, which is omitted once the order is closed."""
    require_provider(principal, provider_id)
    async with kit.read() as store:
        order = await find_answerable(order_id, Step.ACKNOWLEDGE, store)
    if order is None or order.provider_id != provider_id:
        raise _no_such_order()
    return show_to_shop(order) | {"ship_to": await address_for_shop(order, kit)}


class ShopAnswer(NamedTuple):
    """The order and answer that a request's path names."""

    provider_id: str
    order_id: str
    step: Step


def read_shop_answer(provider_id: ProviderId, order_id: Short, step: Step, principal: PrincipalDep) -> ShopAnswer:
    require_provider(principal, provider_id)
    if step not in SHOP_STEPS:
        raise ProblemError(404, "not_found", "There is no such answer")
    return ShopAnswer(provider_id, order_id, step)


@router.post("/providers/{provider_id}/orders/{order_id}/{step}")
async def answer_as_shop(
    answer: Annotated[ShopAnswer, Depends(read_shop_answer)], body: AnswerBody, kit: KitDep, key: RequiredIdempotencyDep
) -> Any:
    """Acknowledge, refuse, ship or deliver an order. Idempotent; 409 if too late, or repeated with another quantity."""
    async with kit.transaction(idempotency=key) as tx:
        if tx.replayed:
            return send(tx.replayed, replayed=True)
        order = await find_answerable(answer.order_id, answer.step, tx.store, lock=True)
        if order is None or order.provider_id != answer.provider_id:
            raise _no_such_order()
        detail = AnswerDetail(body.reason, body.tracking or None, _base_steps(body, order), body.expected_at)
        try:
            order, events = await take_answer(order, answer.step, detail, tx.store)
        except StepRefusedError as error:
            raise refused_answer(error) from error
        tx.publish(*events)
        return send(tx.respond(200, show_to_shop(order)))


def refused_answer(error: StepRefusedError) -> ProblemError:
    if isinstance(error, ConflictingAnswerError):
        return ProblemError(409, "conflicting_answer", "A different quantity was already reported", detail=str(error))
    return ProblemError(
        409, "too_late", "This order can no longer be answered", detail=str(error), state=error.order.state
    )


def show_to_shop(order: Order) -> dict[str, Any]:
    shown = show_order(order)
    for private in CUSTOMER_FIELDS:
        del shown[private]
    cancellation = order.cancellation
    if cancellation is None:
        return shown | {"cancellation": None}
    # Without the reason, which may be the customer's own words.
    return shown | {"cancellation": {"by": cancellation.by, "occurred_at": cancellation.occurred_at}}


async def address_for_shop(order: Order, kit: Kit) -> dict[str, Any] | None:
    """Fetch the delivery address from the portal; None for a closed order, or if the portal is not available."""
    if order.state in CLOSED:
        return None
    try:
        return (await fetch_address(order.customer_id, kit)).model_dump(exclude_none=True)
    except (RetryLaterError, RejectedError):
        return None


def _base_steps(body: AnswerBody, order: Order) -> int | None:
    if body.quantity is None:
        return None
    try:
        return parse_quantity(body.quantity, order.unit.value, base=order.unit, scale=order.scale)
    except InvalidAmountError as error:
        errors = [{"field": "quantity", "problem": error.problem, "remedy": error.remedy}]
        raise ProblemError(422, error.code, "The quantity is not valid", detail=str(error), errors=errors) from error


def _no_such_order() -> ProblemError:
    return ProblemError(404, "no_such_order", "There is no such order of this shop")
