"""Answers by a link in a mail or by the customer, and the data for such mails."""

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
from services.order_dispatch.answers.answering import (
    AnswerDetail,
    Step,
    StepRefusedError,
    find_answerable,
    is_done,
    refusal_of,
    take_answer,
)
from services.order_dispatch.answers.links import AnswerLink, ExpiredLinkError, InvalidLinkError, read_link, sign_link
from services.order_dispatch.answers.shops import address_for_shop, answer_problem
from services.order_dispatch.domain.order import Order, Responder
from services.order_dispatch.domain.provider import Provider
from services.order_dispatch.domain.states import State
from services.order_dispatch.orders.api import require_owned
from services.order_dispatch.providers.assisted import cart_url
from services.order_dispatch.providers.hosted import read_terms
from services.order_dispatch.providers.shapes import Body, Short, money, quantity
from services.order_dispatch.sealing import UnsealError, read_keys

router = APIRouter(tags=["answers"])
Word = Annotated[str, Path(min_length=1, max_length=1000, pattern=r"^[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]+$")]
#: What a mail about an order lets its reader answer, by where the order stands.
OFFERED = {
    (Responder.SHOP, State.PLACING): (Step.ACKNOWLEDGE, Step.SHIP, Step.REFUSE),
    (Responder.SHOP, State.PLACED): (Step.SHIP, Step.REFUSE),
    (Responder.CUSTOMER, State.PLACING): (Step.ORDERED, Step.NOT_YET, Step.NO),
    (Responder.CUSTOMER, State.PLACED): (Step.ARRIVED, Step.NO),
}


class LinkBody(Body):
    """What goes with an answer by link."""

    tracking: Annotated[str, Field(max_length=200, pattern=NO_NUL)] | None = None
    reason: Annotated[str, Field(max_length=200, pattern=NO_NUL)] | None = None


class CustomerAnswerBody(Body):
    """What a customer says about an order they place themselves."""

    said: Literal["ordered", "not_yet", "no", "arrived"]


@router.get("/answers/{word}")
async def preview_answer(word: Word, kit: KitDep) -> dict[str, Any]:
    """What a link would answer; looking at it does nothing."""
    link = _open_link(word, kit)
    async with kit.read() as store:
        order = _require_order(await find_answerable(link.order_id, link.step, store))
        return await _show_answer(order, link.step, store)


@router.post("/answers/{word}")
async def give_answer(word: Word, body: LinkBody, kit: KitDep) -> dict[str, Any]:
    """Answer by a link; once more changes nothing. A shop that takes the order is told the address."""
    link = _open_link(word, kit)
    async with kit.transaction() as tx:
        order = _require_order(await find_answerable(link.order_id, link.step, tx.store, lock=True))
        try:
            order, said = await take_answer(
                order, link.step, AnswerDetail(body.reason, body.tracking or None), tx.store
            )
        except StepRefusedError as error:
            raise answer_problem(error) from error
        tx.publish(*said)
        shown = await _show_answer(order, link.step, tx.store)
    wanted = link.step in (Step.ACKNOWLEDGE, Step.SHIP)
    return shown | {"ship_to": await address_for_shop(order, kit) if wanted else None}


@router.post("/orders/{order_id}/said")
async def answer_as_customer(
    order_id: Short, body: CustomerAnswerBody, kit: KitDep, principal: PrincipalDep, key: RequiredIdempotencyDep
) -> Any:
    """Say what became of an order that the customer places at the shop themselves."""
    require(principal, "operator", "customer")
    step = Step(body.said)
    async with kit.transaction(idempotency=key) as tx:
        if tx.replayed:
            return send(tx.replayed, replayed=True)
        order = _require_order(await find_answerable(order_id, step, tx.store, lock=True))
        require_owned(order, principal)
        try:
            order, said = await take_answer(order, step, AnswerDetail(), tx.store)
        except StepRefusedError as error:
            raise answer_problem(error) from error
        tx.publish(*said)
        return send(tx.respond(200, await _show_answer(order, step, tx.store)))


@router.get("/orders/{order_id}/cart")
async def get_cart(order_id: Short, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    """What a customer is to order themselves, and the shop's filled cart where it has one."""
    async with kit.read() as store:
        order = _require_order(await find_answerable(order_id, Step.ORDERED, store))
        require_owned(order, principal)
        return await _show_answer(order, Step.ORDERED, store)


@router.get("/orders/{order_id}/letter")
async def get_mail_data(order_id: Short, responder: Responder, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    """What a mail to the person asked is written from, at the moment of writing; its links are theirs alone."""
    require(principal, "service")
    async with kit.read() as store:
        order = await store.find_order(order_id)
        provider = None if order is None else await store.find_provider(order.provider_id)
        if order is None or provider is None or order.responder is not responder:
            raise _no_such_order()
        shown = await _show_answer(order, Step.ORDERED if responder is Responder.CUSTOMER else Step.ACKNOWLEDGE, store)
    ends = int(time.time() + kit.settings.answer_link_days * 86_400)  # type: ignore[attr-defined]  # a knob of this service
    keys = _keys(kit)
    steps = OFFERED.get((responder, order.state), ())
    return shown | {
        "answers": {step: sign_link(keys, AnswerLink(order_id, step), ends) for step in steps},
        "contact": _contact(provider) if responder is Responder.SHOP else None,
    }


def _contact(provider: Provider) -> dict[str, str]:
    terms = read_terms(provider.account)
    return {"email": terms.email, "name": provider.name, "locale": terms.language}


async def _show_answer(order: Order, step: Step, store: Any) -> dict[str, Any]:
    """Return what whoever is asked needs to see; no name and no address."""
    provider = await store.find_provider(order.provider_id)
    offer = await store.find_offer(order.provider_id, order.product_id)
    by_customer = provider is not None and order.responder is Responder.CUSTOMER
    return {
        "order_id": order.order_id,
        "step": step,
        "state": order.state,
        "done": is_done(step, order),
        "refusal_of": refusal_of(step, order),
        "shop": provider.name if provider else order.provider_id,
        "product_id": order.product_id,
        "title": offer.title if offer else order.product_id,
        "packs": order.packs,
        "quantity": quantity(order.quantity, order.unit, order.scale),
        "price": money(order.price, order.currency),
        "answer_by": order.answer_by if order.is_unanswered else None,
        "expected_at": order.expected_at,
        "cart_url": cart_url(order, provider.account) if by_customer else None,
    }


def _keys(kit: Kit) -> Sequence[bytes]:
    try:
        return read_keys(kit.settings.sealing_key)  # type: ignore[attr-defined]  # a knob of this service
    except UnsealError as error:
        detail = "The operator has to set a sealing_key."
        raise ProblemError(503, "no_sealing_key", "Links cannot be signed or read_link here", detail=detail) from error


def _open_link(word: str, kit: Kit) -> AnswerLink:
    try:
        return read_link(_keys(kit), word, time.time())
    except InvalidLinkError:
        raise ProblemError(404, "broken_link", "This link is not one of ours, or a part of it is missing") from None
    except ExpiredLinkError:
        raise ProblemError(
            410, "expired_link", "This link is too old", detail="Look at the order on your page."
        ) from None


def _require_order(order: Order | None) -> Order:
    if order is None:
        raise _no_such_order()
    return order


def _no_such_order() -> ProblemError:
    return ProblemError(404, "no_such_order", "There is no such order")
