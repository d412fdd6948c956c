"""Orders as the shops that are kept here see them, and what they answer."""

from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from libs.kit import Kit, RejectedError, RetryLaterError
from libs.kit.http.dependencies import KitDep, PrincipalDep, RequiredIdempotencyDep
from libs.kit.http.idempotency import send
from libs.kit.http.problems import ProblemError
from replenish_contracts.catalogue import NO_NUL, Moment, Text
from replenish_contracts.units import InvalidAmountError, parse_quantity
from services.order_dispatch.acting import address_of
from services.order_dispatch.api.providers import ProviderId, require_provider
from services.order_dispatch.api.shapes import Amount, Body, Short, show_order
from services.order_dispatch.domain import CLOSED, Order
from services.order_dispatch.hosting import (
    OF_SHOPS,
    ConflictingAnswerError,
    Detail,
    Step,
    StepRefusedError,
    find_kept,
    take_answer,
)

router = APIRouter(tags=["shops"])

#: Of an order, what is the customer's and nobody else's business.
PRIVATE = ("customer_id", "pool_id", "device_id", "slot", "receipt_id", "fraud_at", "fraud_cleared_at")


class AnswerBody(Body):
    """What goes with a shop's answer; quantities are in the order's unit."""

    reason: Text | None = None
    tracking: Annotated[str, Field(max_length=200, pattern=NO_NUL)] | None = None
    quantity: Amount | None = None
    expected_at: Moment | None = None


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


class Answered(NamedTuple):
    """Whose order is answered for, and what is said about it."""

    provider_id: str
    order_id: str
    step: Step


def answered(provider_id: ProviderId, order_id: Short, step: Step, principal: PrincipalDep) -> Answered:
    """Return what the path names; raises ProblemError for whom it is not, and for what no shop answers."""
    require_provider(principal, provider_id)
    if step not in OF_SHOPS:
        raise ProblemError(404, "not_found", "A shop has no such answer")
    return Answered(provider_id, order_id, step)


@router.post("/providers/{provider_id}/orders/{order_id}/{step}")
async def answer(
    about: Annotated[Answered, Depends(answered)], body: AnswerBody, kit: KitDep, key: RequiredIdempotencyDep
) -> Any:
    """Acknowledge, refuse, ship or deliver an order; again changes nothing; too late, or another quantity is 409."""
    async with kit.transaction(idempotency=key) as tx:
        if tx.replayed:
            return send(tx.replayed, replayed=True)
        order = await find_kept(about.order_id, about.step, tx.store, lock=True)
        if order is None or order.provider_id != about.provider_id:
            raise _no_such_order()
        detail = Detail(body.reason, body.tracking or None, _steps(body, order), body.expected_at)
        try:
            order, said = await take_answer(order, about.step, detail, tx.store)
        except StepRefusedError as error:
            raise too_late(error) from error
        tx.publish(*said)
        return send(tx.respond(200, show_to_shop(order)))


def too_late(late: StepRefusedError) -> ProblemError:
    if isinstance(late, ConflictingAnswerError):
        return ProblemError(409, "said_otherwise", "Another quantity was said before", detail=str(late))
    return ProblemError(409, "too_late", "This cannot be answered any more", detail=str(late), state=late.order.state)


def show_to_shop(order: Order) -> dict[str, Any]:
    """Return an order without what is the customer's own."""
    shown = show_order(order)
    for private in PRIVATE:
        del shown[private]
    wish = order.cancellation
    return shown | {"cancellation": None if wish is None else {"by": wish.by, "occurred_at": wish.occurred_at}}


async def ship_to_of(order: Order, kit: Kit) -> dict[str, Any] | None:
    """Return where the goods go while that is the shop's business, from the portal; nothing where it is away."""
    if order.state in CLOSED:
        return None
    try:
        return (await address_of(order.customer_id, kit)).model_dump(exclude_none=True)
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
