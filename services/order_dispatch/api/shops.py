"""Shops whose orders are kept here: how they join, state their terms, see their orders and answer for them."""

import re
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter, Query
from pydantic import Field

from libs.contracts.catalogue import NO_NUL, Moment, Text
from libs.kit import Kit, Refuse, Retry
from libs.kit.identity import Principal
from libs.kit.problems import Problem
from libs.kit.web import KitDep, PrincipalDep, require
from libs.units import RefusedAmount, parse_quantity
from services.order_dispatch.acting import address_of
from services.order_dispatch.api.providers import ProviderId, provider_changed, require_provider, show_provider
from services.order_dispatch.api.shapes import Amount, Body, Short, show_order
from services.order_dispatch.domain import CLOSED, Order, Provider
from services.order_dispatch.hosting import OF_SHOPS, Detail, NotTaken, Step, find_kept, take_answer
from services.order_dispatch.providers import hosted

router = APIRouter(tags=["shops"])

#: Of an order, what is the customer's and nobody else's business.
PRIVATE = ("customer_id", "pool_id", "device_id", "slot", "receipt_id", "fraud_at", "fraud_cleared_at")


class ShopBody(Body):
    """A shop that wants its orders kept here."""

    name: Short
    terms: hosted.Terms
    #: Days from a yes to the door.
    lead_time_days: Annotated[float, Field(gt=0, le=60, allow_inf_nan=False)] = 3


class TermsBody(Body):
    """What a shop can do from now on."""

    terms: hosted.Terms
    lead_time_days: Annotated[float, Field(gt=0, le=60, allow_inf_nan=False)] = 3


class AdmissionBody(Body):
    """Whether a shop may be ordered from."""

    admitted: bool


class AnswerBody(Body):
    """What goes with a shop's answer; quantities are in the order's unit."""

    reason: Text | None = None
    tracking: Annotated[str, Field(max_length=200, pattern=NO_NUL)] | None = None
    quantity: Amount | None = None
    expected_at: Moment | None = None


@router.post("/shops", status_code=201)
async def join(body: ShopBody, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
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
    async with kit.transaction() as tx:
        await tx.store.save_provider(provider)
        tx.say(provider_changed(provider))
    return show_provider(provider, [], Principal("shop", "provider", provider_id=provider.provider_id))


@router.post("/providers/{provider_id}/admission")
async def admit(provider_id: ProviderId, body: AdmissionBody, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    """Let a shop be ordered from, or not any more."""
    require(principal, "operator")
    return await _change(provider_id, {"active": body.admitted}, kit, principal)


@router.put("/providers/{provider_id}/terms")
async def put_terms(provider_id: ProviderId, body: TermsBody, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    """Say what a shop can do; the shop itself may."""
    require_provider(principal, provider_id)
    changes = {"account": body.terms.model_dump(mode="json"), "lead_time_days": body.lead_time_days}
    return await _change(provider_id, changes, kit, principal)


async def _change(provider_id: str, changes: dict[str, Any], kit: Kit, principal: Principal) -> dict[str, Any]:
    async with kit.transaction() as tx:
        provider = await tx.store.lock_provider(provider_id)
        if provider is None or provider.protocol != "hosted":
            raise Problem(404, "no_such_shop", "There is no such shop")
        changed = Provider(**{**{name: getattr(provider, name) for name in provider.__slots__}, **changes})
        await tx.store.save_provider(changed)
        tx.say(provider_changed(changed))
        offers = [offer for offer in await tx.store.list_offers() if offer.provider_id == provider_id]
    return show_provider(changed, offers, principal)


@router.get("/providers/{provider_id}/orders")
async def list_orders(  # a page of a list: whose, which, from where, how many
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
async def get_order(provider_id: ProviderId, order_id: Short, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    """One order of a shop's, with the address as it is now while the goods have not come."""
    require_provider(principal, provider_id)
    async with kit.read() as store:
        order = await find_kept(order_id, Step.ACKNOWLEDGE, store)
    if order is None or order.provider_id != provider_id:
        raise _no_such_order()
    return show_to_shop(order) | {"ship_to": await ship_to_of(order, kit)}


@router.post("/providers/{provider_id}/orders/{order_id}/{step}")
async def answer(  # the path names whose order and what is said about it
    provider_id: ProviderId, order_id: Short, step: Step, body: AnswerBody, kit: KitDep, principal: PrincipalDep
) -> dict[str, Any]:
    """Acknowledge, refuse, ship or deliver an order; the same again changes nothing, too late is 409."""
    require_provider(principal, provider_id)
    if step not in OF_SHOPS:
        raise Problem(404, "not_found", "A shop has no such answer")
    async with kit.transaction() as tx:
        order = await find_kept(order_id, step, tx.store, lock=True)
        if order is None or order.provider_id != provider_id:
            raise _no_such_order()
        detail = Detail(body.reason, body.tracking or None, _steps(body, order), body.expected_at)
        try:
            order, said = await take_answer(order, step, detail, tx.store)
        except NotTaken as late:
            raise too_late(late) from late
        tx.say(*said)
    return show_to_shop(order)


def too_late(late: NotTaken) -> Problem:
    return Problem(409, "too_late", "This cannot be answered any more", detail=str(late), state=late.order.state)


def show_to_shop(order: Order) -> dict[str, Any]:
    """Return an order without what is the customer's own."""
    shown = show_order(order)
    for private in PRIVATE:
        del shown[private]
    wish = order.cancellation
    return shown | {"cancellation": None if wish is None else {"by": wish.by, "at": wish.at}}


async def ship_to_of(order: Order, kit: Kit) -> dict[str, Any] | None:
    """Return where the goods go while that is the shop's business, from the portal; nothing where it is away."""
    if order.state in CLOSED:
        return None
    try:
        return (await address_of(order.customer_id, kit)).model_dump(exclude_none=True)
    except (Retry, Refuse):
        return None


def _steps(body: AnswerBody, order: Order) -> int | None:
    if body.quantity is None:
        return None
    try:
        return parse_quantity(body.quantity, order.unit.value, base=order.unit, scale=order.scale)
    except RefusedAmount as refused:
        error = {"field": "quantity", "problem": refused.problem, "remedy": refused.remedy}
        raise Problem(422, refused.code, "The quantity is not clear", detail=str(refused), errors=[error]) from refused


def _no_such_order() -> Problem:
    return Problem(404, "no_such_order", "There is no such order of this shop")
