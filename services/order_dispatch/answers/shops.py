"""HTTP API of hosted shops: registration, admission, terms, orders and answers."""

import re
from datetime import date
from typing import Annotated, Any, NamedTuple
from uuid import uuid4

from fastapi import APIRouter, Depends, Query
from pydantic import Field, model_validator

from libs.kit import Kit, RejectedError, RetryLaterError
from libs.kit.http.auth import Principal
from libs.kit.http.dependencies import KitDep, PrincipalDep, RequiredIdempotencyDep, require
from libs.kit.http.idempotency import IdempotentRequest, command
from libs.kit.http.problems import ProblemError
from replenish_contracts.catalogue import NO_NUL, Moment, Text
from replenish_contracts.events import UpdateLine
from replenish_contracts.promises import move_date
from services.order_dispatch.answers.answering import (
    SHOP_STEPS,
    AnswerDetail,
    ConflictingAnswerError,
    Step,
    StepRefusedError,
    find_answerable,
    take_answer,
)
from services.order_dispatch.domain.lines import Cancellation
from services.order_dispatch.domain.order import NoSuchLineError, Order
from services.order_dispatch.domain.provider import Provider
from services.order_dispatch.domain.states import CLOSED, State
from services.order_dispatch.orders.shapes import LineId, read_quantity, show_order
from services.order_dispatch.orders.tasks import fetch_address
from services.order_dispatch.providers.api import ProviderId, provider_changed, require_provider, show_provider
from services.order_dispatch.providers.hosted import Terms
from services.order_dispatch.providers.prices import check_prices
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
    async with command(kit, key) as tx:
        await tx.store.save_provider(provider)
        tx.publish(provider_changed(provider))
        itself = Principal("shop", "provider", provider_id=provider.provider_id)
        return tx.respond(201, show_provider(provider, [], itself))


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
    async with command(kit, key) as tx:
        provider = await tx.store.lock_provider(provider_id)
        if provider is None or provider.protocol != "hosted":
            title, remedy = "There is no such shop", "GET /v1/providers lists shops, whose protocol is hosted"
            raise ProblemError.of_missing("no_such_shop", title, "shop", "provider_id", remedy)
        changed = Provider(**{**{name: getattr(provider, name) for name in provider.__slots__}, **changes})
        offers = await tx.store.list_offers_of(provider_id)
        check_prices(changed, offers if changed.active else (), "terms")
        await tx.store.save_provider(changed)
        tx.publish(provider_changed(changed))
        return tx.respond(200, show_provider(changed, offers, principal))


#: Lines that a refusal names.
MOST_LINES = 20
#: What can be done with an order that does not take an answer, by its state.
REMEDIES = {
    State.SHIPPED: "report its delivery with `deliver`; what has left cannot be refused",
    State.PLACED: "report the shipment with `ship`, or refuse it with `refuse`",
    State.CANCELLED: "do not send anything; if the goods have left already, contact the operator",
    State.DELIVERED: "no answer is needed any more",
}

#: Fields of a line, and of an order, that a shop does not see.
_CUSTOMER_FIELDS_OF_LINE = ("pool_id", "device_id", "slot", "receipt_id")
_CUSTOMER_FIELDS = ("customer_id", "pool_id", "device_id", "slot", "receipt_id", "fraud_at", "fraud_cleared_at")


class AnswerLineBody(Body):
    """A line that the answer is about; quantities are in the line's unit."""

    line_id: LineId
    #: What left in the parcel `shipment_id`, or in total without one; the ordered quantity if missing.
    quantity: Amount | None = None
    #: What is sent later; nothing if missing, or the rest of the line if the answer names a parcel.
    remaining: Amount | None = None
    reason: Text | None = None


class AnswerBody(Body):
    """Optional content of a shop's answer, which is about all lines unless it names some."""

    reason: Text | None = None
    tracking: Annotated[str, Field(max_length=200, pattern=NO_NUL)] | None = None
    #: In the line's unit; only for an order of one line.
    quantity: Amount | None = None
    #: When the goods arrive; a date without a time is read as `expected_date`.
    expected_at: Moment | None = None
    #: The day on which the goods arrive, until its end where the customer lives.
    expected_date: date | None = None
    lines: Annotated[tuple[AnswerLineBody, ...], Field(max_length=1000)] = ()
    #: The shop's id of the parcel, for goods that leave in several.
    shipment_id: Short | None = None

    _move_date = model_validator(mode="before")(move_date)


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
        title, remedy = "There is no such answer", f"send one of {', '.join(sorted(SHOP_STEPS))}"
        raise ProblemError.of_missing("not_found", title, "answer of a shop named", "step", remedy)
    return ShopAnswer(provider_id, order_id, step)


@router.post("/providers/{provider_id}/orders/{order_id}/{step}")
async def answer_as_shop(
    answer: Annotated[ShopAnswer, Depends(read_shop_answer)], body: AnswerBody, kit: KitDep, key: RequiredIdempotencyDep
) -> Any:
    """Acknowledge, refuse, ship or deliver an order. Idempotent; 409 if too late, or repeated with another quantity."""
    async with command(kit, key) as tx:
        order = await find_answerable(answer.order_id, answer.step, tx.store, lock=True)
        if order is None or order.provider_id != answer.provider_id:
            raise _no_such_order()
        try:
            order, events = await take_answer(order, answer.step, _read_detail(body, order), tx.store)
        except NoSuchLineError as error:
            known = ", ".join(line.line_id for line in order.lines[:MOST_LINES])
            errors = [{"field": "lines", "problem": str(error), "remedy": f"the lines of this order are {known}"}]
            raise ProblemError(422, "no_such_line", "Name the lines of this order", errors=errors) from error
        except StepRefusedError as error:
            raise refused_answer(error) from error
        tx.publish(*events)
        return tx.respond(200, show_to_shop(order))


def refused_answer(error: StepRefusedError) -> ProblemError:
    if isinstance(error, ConflictingAnswerError):
        return ProblemError(
            409,
            "conflicting_answer",
            "A different quantity was already reported",
            detail=str(error),
            field="quantity",
            problem=_problem_of(error),
            remedy="repeat the first quantity; report further parcels with a shipment_id of their own",
        )
    state = error.order.state
    return ProblemError(
        409,
        "too_late",
        "This order can no longer be answered",
        detail=str(error),
        state=state,
        problem=_problem_of(error),
        remedy=REMEDIES.get(state, f"nothing is to be done: the order is {state}"),
    )


def _problem_of(error: StepRefusedError) -> str:
    text = str(error).rstrip(".")
    return text[:1].lower() + text[1:]


def show_to_shop(order: Order) -> dict[str, Any]:
    shown = show_order(order)
    for private in _CUSTOMER_FIELDS:
        del shown[private]
    for shown_line, line in zip(shown["lines"], order.lines, strict=True):
        for private in _CUSTOMER_FIELDS_OF_LINE:
            del shown_line[private]
        shown_line["cancellation"] = _show_cancellation(line.cancellation)
    return shown | {"cancellation": _show_cancellation(order.cancellation)}


def _show_cancellation(cancellation: Cancellation | None) -> dict[str, Any] | None:
    """Return a requested cancellation without its reason, which may be the customer's own words."""
    return None if cancellation is None else {"by": cancellation.by, "occurred_at": cancellation.occurred_at}


async def address_for_shop(order: Order, kit: Kit) -> dict[str, Any] | None:
    """Fetch the delivery address from the portal; None for a closed order, or if the portal is not available."""
    if order.state in CLOSED:
        return None
    try:
        return (await fetch_address(order.customer_id, kit)).model_dump(exclude_none=True)
    except (RetryLaterError, RejectedError):
        return None


def _read_detail(body: AnswerBody, order: Order) -> AnswerDetail:
    """Return the answer in base steps; raises NoSuchLineError or ProblemError 422."""
    lines = tuple(_read_line(line, order, f"lines.{place}") for place, line in enumerate(body.lines))
    steps = None if body.quantity is None else read_quantity(body.quantity, order.find_line(None), "quantity")
    return AnswerDetail(
        reason=body.reason,
        tracking=body.tracking or None,
        quantity=steps,
        expected_at=body.expected_at,
        expected_date=body.expected_date,
        lines=lines,
        shipment_id=body.shipment_id,
    )


def _read_line(body: AnswerLineBody, order: Order, field: str) -> UpdateLine:
    line = order.find_line(body.line_id)
    quantity, remaining = (
        None if amount is None else read_quantity(amount, line, f"{field}.{name}")
        for name, amount in (("quantity", body.quantity), ("remaining", body.remaining))
    )
    return UpdateLine(line_id=line.line_id, reason=body.reason, quantity=quantity, remaining=remaining)


def _no_such_order() -> ProblemError:
    return ProblemError.of_missing(
        "no_such_order",
        "There is no such order of this shop",
        "order of this shop with the id",
        "order_id",
        "GET /v1/providers/{provider_id}/orders lists the shop's orders",
    )
