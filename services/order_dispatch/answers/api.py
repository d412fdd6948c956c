"""HTTP API of answers: by a link in a mail or by the signed-in customer; and the data for such mails."""

import time
from collections.abc import Collection, Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import Field

from libs.kit import Kit
from libs.kit.http.dependencies import KitDep, PrincipalDep, RequiredIdempotencyDep, require
from libs.kit.http.idempotency import command
from libs.kit.http.problems import ProblemError
from replenish_contracts.catalogue import NO_NUL
from replenish_contracts.events import UpdateLine
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
from services.order_dispatch.answers.shops import address_for_shop, refused_answer
from services.order_dispatch.domain.lines import OrderLine
from services.order_dispatch.domain.order import Order, Responder
from services.order_dispatch.domain.provider import Offer, Provider
from services.order_dispatch.domain.states import State
from services.order_dispatch.orders.api import require_owned
from services.order_dispatch.providers.assisted import cart_url
from services.order_dispatch.providers.hosted import read_terms
from services.order_dispatch.providers.shapes import Body, Short, money, quantity
from services.order_dispatch.sealing import UnsealError, sealing_keys
from services.order_dispatch.settings import settings_of

router = APIRouter(tags=["answers"])
LinkToken = Annotated[str, Path(min_length=1, max_length=4000, pattern=r"^[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]+$")]
#: Answers for which a mail contains a link, by recipient and state of the order.
OFFERED = {
    (Responder.SHOP, State.PLACING): (Step.ACKNOWLEDGE, Step.SHIP, Step.REFUSE),
    (Responder.SHOP, State.PLACED): (Step.SHIP, Step.REFUSE),
    (Responder.SHOP, State.SHIPPED): (Step.SHIP, Step.REFUSE),
    (Responder.CUSTOMER, State.PLACING): (Step.ORDERED, Step.NOT_YET, Step.NO),
    (Responder.CUSTOMER, State.PLACED): (Step.ARRIVED, Step.NO),
}


class LinkBody(Body):
    """Optional content of an answer by link."""

    tracking: Annotated[str, Field(max_length=200, pattern=NO_NUL)] | None = None
    reason: Annotated[str, Field(max_length=200, pattern=NO_NUL)] | None = None


class CustomerAnswerBody(Body):
    """A customer's answer about an order that they place at the shop themselves."""

    answer: Literal["ordered", "not_yet", "no", "arrived"]


@router.get("/answers/{token}")
async def preview_answer(token: LinkToken, kit: KitDep) -> dict[str, Any]:
    """Return the order and the answer of a link. Changes nothing, so mail scanners that follow links are harmless."""
    link = _open_link(token, kit)
    async with kit.read() as store:
        order = _require_order(await find_answerable(link.order_id, link.step, store))
        return await _show_answer(order, link.step, store, link.line_ids)


@router.post("/answers/{token}")
async def give_answer(token: LinkToken, body: LinkBody, kit: KitDep) -> dict[str, Any]:
    """Give the answer of a link. Idempotent. A shop that accepts or ships receives the delivery address."""
    link = _open_link(token, kit)
    async with kit.transaction() as tx:
        order = _require_order(await find_answerable(link.order_id, link.step, tx.store, lock=True))
        try:
            lines = tuple(UpdateLine(line_id=line_id) for line_id in link.line_ids)
            detail = AnswerDetail(body.reason, body.tracking or None, lines=lines)
            order, events = await take_answer(order, link.step, detail, tx.store)
        except StepRefusedError as error:
            raise refused_answer(error) from error
        tx.publish(*events)
        shown = await _show_answer(order, link.step, tx.store, link.line_ids)
    needs_address = link.step in (Step.ACKNOWLEDGE, Step.SHIP)
    return shown | {"ship_to": await address_for_shop(order, kit) if needs_address else None}


@router.post("/orders/{order_id}/answer")
async def answer_as_customer(
    order_id: Short, body: CustomerAnswerBody, kit: KitDep, principal: PrincipalDep, key: RequiredIdempotencyDep
) -> Any:
    require(principal, "operator", "customer")
    step = Step(body.answer)
    async with command(kit, key) as tx:
        order = require_owned(await find_answerable(order_id, step, tx.store, lock=True), principal)
        try:
            order, events = await take_answer(order, step, AnswerDetail(), tx.store)
        except StepRefusedError as error:
            raise refused_answer(error) from error
        tx.publish(*events)
        return tx.respond(200, await _show_answer(order, step, tx.store))


@router.get("/orders/{order_id}/cart")
async def get_cart(order_id: Short, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    """Return what the customer has to order, with the URL of the shop's filled cart if it has one."""
    async with kit.read() as store:
        order = require_owned(await find_answerable(order_id, Step.ORDERED, store), principal)
        return await _show_answer(order, Step.ORDERED, store)


@router.get("/orders/{order_id}/mail-data")
async def get_mail_data(
    order_id: Short, responder: Responder, kit: KitDep, principal: PrincipalDep, *, cancellation: bool = False
) -> dict[str, Any]:
    """Return the current data for a mail to the shop or customer, with their personal answer links.

    With `cancellation`, the mail requests the cancellation of lines, and its links apply to them.
    """
    require(principal, "service")
    async with kit.read() as store:
        order = await store.find_order(order_id)
        provider = None if order is None else await store.find_provider(order.provider_id)
        if order is None or provider is None or order.responder is not responder:
            raise _no_such_order()
        shown = await _show_answer(order, Step.ORDERED if responder is Responder.CUSTOMER else Step.ACKNOWLEDGE, store)
    expires_at = int(time.time() + settings_of(kit).answer_link_days * 86_400)
    keys = _keys(kit)
    contact = None
    if responder is Responder.SHOP:
        terms = read_terms(provider.account)
        contact = {"email": terms.email, "name": provider.name, "locale": terms.language}
    steps = OFFERED.get((responder, order.state), ()) if not order.has_all_left else ()
    line_ids = tuple(line.line_id for line in order.lines_to_cancel) if cancellation else ()
    return shown | {
        "answers": {step: sign_link(keys, AnswerLink(order_id, step, line_ids), expires_at) for step in steps},
        "cart_urls": {line["line_id"]: line["cart_url"] for line in shown["lines"] if line["cart_url"]},
        "contact": contact,
    }


async def _show_answer(order: Order, step: Step, store: Any, line_ids: Collection[str] = ()) -> dict[str, Any]:
    """Return what the page or mail shows about the order; without the customer's name and address.

    `cart_url` is the URL of the shop's filled cart if the customer orders there.
    """
    provider = await store.find_provider(order.provider_id)
    offers = await store.find_offers(order.provider_id, [line.product_id for line in order.lines])
    shop = provider if order.responder is Responder.CUSTOMER else None
    about = [line for line in order.lines if line.line_id in line_ids] or order.lines
    lines = [_show_line(order, line, offers.get(line.product_id), shop) for line in about]
    only = lines[0] if len(lines) == 1 else {}
    return {
        "order_id": order.order_id,
        "step": step,
        "state": order.state,
        "done": is_done(step, order, line_ids),
        "refusal": refusal_of(step, order),
        "shop": provider.name if provider else order.provider_id,
        "test": order.test,
        "responder": order.responder,
        "lines": lines,
        # Those of the only line; null for several.
        "product_id": only.get("product_id"),
        "title": only.get("title"),
        "packs": only.get("packs"),
        "quantity": only.get("quantity"),
        "cart_url": only.get("cart_url"),
        "price": money(order.price, order.currency),
        "answer_by": order.answer_by if order.is_unanswered else None,
        "fee": money(order.fee or None, order.currency),
        "expected_at": order.expected_at,
        "expected_date": order.expected_date,
    }


def _show_line(order: Order, line: OrderLine, offer: Offer | None, provider: Provider | None) -> dict[str, Any]:
    return {
        "line_id": line.line_id,
        "product_id": line.product_id,
        "title": offer.title if offer else line.product_id,
        "packs": line.packs,
        "pack_size": quantity(line.pack_size, line.unit, line.scale),
        "quantity": quantity(line.quantity, line.unit, line.scale),
        "price": money(line.price, order.currency),
        "state": line.state,
        "cart_url": None if provider is None else cart_url(line, provider.account),
    }


def _keys(kit: Kit) -> Sequence[bytes]:
    try:
        return sealing_keys(kit)
    except UnsealError as error:
        detail = "The operator must set `sealing_key`."
        raise ProblemError(
            503,
            "no_sealing_key",
            "Answer links are not available",
            detail=detail,
            problem="the service has no key to sign links",
            remedy="set SEALING_KEY of order_dispatch; answer on the page or over the API meanwhile",
        ) from error


def _open_link(token: str, kit: Kit) -> AnswerLink:
    try:
        return read_link(_keys(kit), token, time.time())
    except InvalidLinkError:
        raise ProblemError(
            404,
            "broken_link",
            "This link is incomplete or not valid",
            field="path.token",
            problem="the token of the link is incomplete or was changed",
            remedy="open the link in the mail, or copy it as a whole; your page lists the order as well",
        ) from None
    except ExpiredLinkError:
        detail = "Please open the order on your page."
        raise ProblemError(
            410,
            "expired_link",
            "This link has expired",
            detail=detail,
            field="path.token",
            problem="the link has expired",
            remedy="open the order on your page",
        ) from None


def _require_order(order: Order | None) -> Order:
    if order is None:
        raise _no_such_order()
    return order


def _no_such_order() -> ProblemError:
    return ProblemError(
        404,
        "no_such_order",
        "There is no such order",
        field="path",
        problem="there is no such order that can be answered",
        remedy="check the order_id: the order may have been placed in another way, or not submitted yet",
    )
