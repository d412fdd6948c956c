"""Hosted shops over HTTP: joining, admission, terms, their orders and answers."""

import re
from typing import Annotated, Any, NamedTuple
from uuid import uuid4

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from libs.kit import Kit, RejectedError, RetryLaterError
from libs.kit.http.auth import Principal
from libs.kit.http.dependencies import KitDep, PrincipalDep, RequiredIdempotencyDep, require
from libs.kit.http.idempotency import IdempotentRequest, send
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
    """A shop that wants its orders kept here."""

    name: Short
    terms: Terms
    #: Days from a yes to the door.
    lead_time_days: Annotated[float, Field(gt=0, le=60, allow_inf_nan=False)] = 3


class TermsBody(Body):
    """What a shop can do from now on."""

    terms: Terms
    lead_time_days: Annotated[float, Field(gt=0, le=60, allow_inf_nan=False)] = 3


class AdmissionBody(Body):
    """Whether a shop may be ordered from."""

    admitted: bool


@router.post("/shops", status_code=201)
async def join_shop(body: ShopBody, kit: KitDep, principal: PrincipalDep, key: RequiredIdempotencyDep) -> Any:
    """Take a shop in; it is ordered from once an operator has admitted it."""
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
    """Let a shop be ordered from, or not any more."""
    require(principal, "operator")
    return await _change_shop(provider_id, {"active": body.admitted}, kit, principal, key)


@router.put("/providers/{provider_id}/terms")
async def put_terms(provider_id: ProviderId, body: TermsBody, kit: KitDep, principal: PrincipalDep) -> Any:
    """Say what a shop can do; the shop itself may."""
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


#: Of an order, what is the customer's and nobody else's business.
CUSTOMER_FIELDS = ("customer_id", "pool_id", "device_id", "slot", "receipt_id", "fraud_at", "fraud_cleared_at")


class AnswerBody(Body):
    """What goes with a shop's answer; quantities are in the order's unit."""

    reason: Text | None = None
    tracking: Annotated[str, Field(max_length=200, pattern=NO_NUL)] | None = None
    quantity: Amount | None = None
    expected_at: Moment | None = None


@router.get("/providers/{provider_id}/orders")
async def list_shop_orders(  # a page of a list: whose, which, from where, how many
    provider_id: ProviderId,
    kit: KitDep,
    principal: PrincipalDep,
    is_open: Annotated[bool, Query(alias="open")] = True,
    before: Short | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 100,
) -> dict[str, Any]:
    """A shop's orders, the newest first; `open` are those that await its answer or its goods."""
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
    """One order of a shop's, with the address as it is now while the goods have not come."""
    require_provider(principal, provider_id)
    async with kit.read() as store:
        order = await find_answerable(order_id, Step.ACKNOWLEDGE, store)
    if order is None or order.provider_id != provider_id:
        raise _no_such_order()
    return show_to_shop(order) | {"ship_to": await address_for_shop(order, kit)}


class ShopAnswer(NamedTuple):
    """Whose order is read_shop_answer for, and what is said about it."""

    provider_id: str
    order_id: str
    step: Step


def read_shop_answer(provider_id: ProviderId, order_id: Short, step: Step, principal: PrincipalDep) -> ShopAnswer:
    """Return what the path names; raises ProblemError for whom it is not, and for what no shop answers."""
    require_provider(principal, provider_id)
    if step not in SHOP_STEPS:
        raise ProblemError(404, "not_found", "A shop has no such answer_as_shop")
    return ShopAnswer(provider_id, order_id, step)


@router.post("/providers/{provider_id}/orders/{order_id}/{step}")
async def answer_as_shop(
    about: Annotated[ShopAnswer, Depends(read_shop_answer)], body: AnswerBody, kit: KitDep, key: RequiredIdempotencyDep
) -> Any:
    """Acknowledge, refuse, ship or deliver an order; again changes nothing; too late, or another quantity is 409."""
    async with kit.transaction(idempotency=key) as tx:
        if tx.replayed:
            return send(tx.replayed, replayed=True)
        order = await find_answerable(about.order_id, about.step, tx.store, lock=True)
        if order is None or order.provider_id != about.provider_id:
            raise _no_such_order()
        detail = AnswerDetail(body.reason, body.tracking or None, _steps(body, order), body.expected_at)
        try:
            order, said = await take_answer(order, about.step, detail, tx.store)
        except StepRefusedError as error:
            raise answer_problem(error) from error
        tx.publish(*said)
        return send(tx.respond(200, show_to_shop(order)))


def answer_problem(late: StepRefusedError) -> ProblemError:
    if isinstance(late, ConflictingAnswerError):
        return ProblemError(409, "said_otherwise", "Another quantity was said before", detail=str(late))
    return ProblemError(
        409, "answer_problem", "This cannot be read_shop_answer any more", detail=str(late), state=late.order.state
    )


def show_to_shop(order: Order) -> dict[str, Any]:
    """Return an order without what is the customer's own."""
    shown = show_order(order)
    for private in CUSTOMER_FIELDS:
        del shown[private]
    wish = order.cancellation
    return shown | {"cancellation": None if wish is None else {"by": wish.by, "occurred_at": wish.occurred_at}}


async def address_for_shop(order: Order, kit: Kit) -> dict[str, Any] | None:
    """Return where the goods go while that is the shop's business, from the portal; nothing where it is away."""
    if order.state in CLOSED:
        return None
    try:
        return (await fetch_address(order.customer_id, kit)).model_dump(exclude_none=True)
    except (RetryLaterError, RejectedError):
        return None


def _steps(body: AnswerBody, order: Order) -> int | None:
    if body.quantity is None:
        return None
    try:
        return parse_quantity(body.quantity, order.unit.value, base=order.unit, scale=order.scale)
    except InvalidAmountError as refused:
        error = {"field": "quantity", "problem": refused.problem, "remedy": refused.remedy}
        raise ProblemError(
            422, refused.code, "The quantity is not clear", detail=str(refused), errors=[error]
        ) from refused


def _no_such_order() -> ProblemError:
    return ProblemError(404, "no_such_order", "There is no such order of this shop")
