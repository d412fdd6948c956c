"""Answers about orders by a link in a mail or by the customer, and what such a mail is written from."""

import time
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import Field

from libs.kit import Kit
from libs.kit.http.dependencies import KitDep, PrincipalDep, RequiredIdempotencyDep, require
from libs.kit.http.idempotency import send
from libs.kit.http.problems import ProblemError
from replenish_contracts.catalogue import NO_NUL
from services.order_dispatch.api.orders import owned
from services.order_dispatch.api.shapes import Body, Short, money, quantity
from services.order_dispatch.api.shop_orders import ship_to_of, too_late
from services.order_dispatch.domain import Keeper, Order, Provider, State
from services.order_dispatch.hosting import (
    Detail,
    ExpiredLinkError,
    InvalidLinkError,
    Link,
    Step,
    StepRefusedError,
    find_kept,
    is_there,
    read,
    sign,
    take_answer,
    why_not,
)
from services.order_dispatch.providers import assisted, hosted
from services.order_dispatch.sealing import UnsealError, read_keys

router = APIRouter(tags=["answers"])

Word = Annotated[str, Path(min_length=1, max_length=1000, pattern=r"^[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]+$")]
#: What a mail about an order lets its reader answer, by where the order stands.
OFFERED = {
    (Keeper.SHOP, State.PLACING): (Step.ACKNOWLEDGE, Step.SHIP, Step.REFUSE),
    (Keeper.SHOP, State.PLACED): (Step.SHIP, Step.REFUSE),
    (Keeper.CUSTOMER, State.PLACING): (Step.ORDERED, Step.NOT_YET, Step.NO),
    (Keeper.CUSTOMER, State.PLACED): (Step.ARRIVED, Step.NO),
}


class LinkBody(Body):
    """What goes with an answer by link."""

    tracking: Annotated[str, Field(max_length=200, pattern=NO_NUL)] | None = None
    reason: Annotated[str, Field(max_length=200, pattern=NO_NUL)] | None = None


class SaidBody(Body):
    """What a customer says about an order they place themselves."""

    said: Literal["ordered", "not_yet", "no", "arrived"]


@router.get("/answers/{word}")
async def look_at_answer(word: Word, kit: KitDep) -> dict[str, Any]:
    """What a link would answer; looking at it does nothing."""
    link = _read(word, kit)
    async with kit.read() as store:
        order = _kept(await find_kept(link.order_id, link.step, store))
        return await _show(order, link.step, store)


@router.post("/answers/{word}")
async def give_answer(word: Word, body: LinkBody, kit: KitDep) -> dict[str, Any]:
    """Answer by a link; once more changes nothing. A shop that takes the order is told the address."""
    link = _read(word, kit)
    async with kit.transaction() as tx:
        order = _kept(await find_kept(link.order_id, link.step, tx.store, lock=True))
        try:
            order, said = await take_answer(order, link.step, Detail(body.reason, body.tracking or None), tx.store)
        except StepRefusedError as error:
            raise too_late(error) from error
        tx.publish(*said)
        shown = await _show(order, link.step, tx.store)
    wanted = link.step in (Step.ACKNOWLEDGE, Step.SHIP)
    return shown | {"ship_to": await ship_to_of(order, kit) if wanted else None}


@router.post("/orders/{order_id}/said")
async def say(
    order_id: Short, body: SaidBody, kit: KitDep, principal: PrincipalDep, key: RequiredIdempotencyDep
) -> Any:
    """Say what became of an order that the customer places at the shop themselves."""
    require(principal, "operator", "customer")
    step = Step(body.said)
    async with kit.transaction(idempotency=key) as tx:
        if tx.replayed:
            return send(tx.replayed, replayed=True)
        order = _kept(await find_kept(order_id, step, tx.store, lock=True))
        owned(order, principal)
        try:
            order, said = await take_answer(order, step, Detail(), tx.store)
        except StepRefusedError as error:
            raise too_late(error) from error
        tx.publish(*said)
        return send(tx.respond(200, await _show(order, step, tx.store)))


@router.get("/orders/{order_id}/cart")
async def get_cart(order_id: Short, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    """What a customer is to order themselves, and the shop's filled cart where it has one."""
    async with kit.read() as store:
        order = _kept(await find_kept(order_id, Step.ORDERED, store))
        owned(order, principal)
        return await _show(order, Step.ORDERED, store)


@router.get("/orders/{order_id}/letter")
async def get_letter(order_id: Short, keeper: Keeper, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    """What a mail to the person asked is written from, at the moment of writing; its links are theirs alone."""
    require(principal, "service")
    async with kit.read() as store:
        order = await store.find_order(order_id)
        provider = None if order is None else await store.find_provider(order.provider_id)
        if order is None or provider is None or order.keeper is not keeper:
            raise _no_such_order()
        shown = await _show(order, Step.ORDERED if keeper is Keeper.CUSTOMER else Step.ACKNOWLEDGE, store)
    ends = int(time.time() + kit.settings.answer_link_days * 86_400)  # type: ignore[attr-defined]  # a knob of this service
    keys = _keys(kit)
    steps = OFFERED.get((keeper, order.state), ())
    return shown | {
        "answers": {step: sign(keys, Link(order_id, step), ends) for step in steps},
        "contact": _contact(provider) if keeper is Keeper.SHOP else None,
    }


def _contact(provider: Provider) -> dict[str, str]:
    terms = hosted.read_terms(provider.account)
    return {"email": terms.email, "name": provider.name, "locale": terms.language}


async def _show(order: Order, step: Step, store: Any) -> dict[str, Any]:
    """Return what whoever is asked needs to see; no name and no address."""
    provider = await store.find_provider(order.provider_id)
    offer = await store.find_offer(order.provider_id, order.product_id)
    by_customer = provider is not None and order.keeper is Keeper.CUSTOMER
    return {
        "order_id": order.order_id,
        "step": step,
        "state": order.state,
        "done": is_there(step, order),
        "why_not": why_not(step, order),
        "shop": provider.name if provider else order.provider_id,
        "product_id": order.product_id,
        "title": offer.title if offer else order.product_id,
        "packs": order.packs,
        "quantity": quantity(order.quantity, order.unit, order.scale),
        "price": money(order.price, order.currency),
        "answer_by": order.answer_by if order.is_unanswered else None,
        "expected_at": order.expected_at,
        "cart_url": assisted.cart_url(order, provider.account) if by_customer else None,
    }


def _keys(kit: Kit) -> Sequence[bytes]:
    try:
        return read_keys(kit.settings.sealing_key)  # type: ignore[attr-defined]  # a knob of this service
    except UnsealError as error:
        detail = "The operator has to set a sealing_key."
        raise ProblemError(503, "no_sealing_key", "Links cannot be signed or read here", detail=detail) from error


def _read(word: str, kit: Kit) -> Link:
    try:
        return read(_keys(kit), word, time.time())
    except InvalidLinkError:
        raise ProblemError(404, "broken_link", "This link is not one of ours, or a part of it is missing") from None
    except ExpiredLinkError:
        raise ProblemError(
            410, "expired_link", "This link is too old", detail="Look at the order on your page."
        ) from None


def _kept(order: Order | None) -> Order:
    if order is None:
        raise _no_such_order()
    return order


def _no_such_order() -> ProblemError:
    return ProblemError(404, "no_such_order", "There is no such order")
