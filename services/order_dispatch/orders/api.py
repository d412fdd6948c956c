"""Orders over HTTP: lists, changes, cancellations, returns, claims and providers' updates."""

from datetime import timedelta
from typing import Annotated, Any

from asyncpg import Record
from fastapi import APIRouter, Query
from pydantic import BeforeValidator, model_validator

from libs.kit.http.auth import Principal
from libs.kit.http.dependencies import (
    IdempotencyDep,
    KitDep,
    PrincipalDep,
    RequiredIdempotencyDep,
    require,
    require_customer,
)
from libs.kit.http.idempotency import Command, command
from libs.kit.http.problems import ProblemError
from replenish_contracts.events import OrderUpdated, ProviderUpdate, UpdateStatus
from replenish_contracts.promises import move_date
from replenish_contracts.tolerant import normalize_word
from replenish_contracts.units import BaseUnit
from replenish_contracts.updates import WORDS
from services.order_dispatch.domain.cancellation import LineNotCancellableError, TooLateError, cancel
from services.order_dispatch.domain.changes import (
    AlreadyCountedError,
    ExcessQuantityError,
    NotDeliveredError,
    clear_fraud,
    flag_fraud,
    modify,
    record_count,
    return_goods,
)
from services.order_dispatch.domain.lines import Cancellation, LineState
from services.order_dispatch.domain.order import Decision, NoSuchLineError, Order
from services.order_dispatch.domain.states import State
from services.order_dispatch.orders.decisions import apply_decision, apply_update
from services.order_dispatch.orders.shapes import (
    CancelBody,
    ModifyBody,
    ReasonBody,
    ReceivedBody,
    ReturnBody,
    read_amount,
    show_order,
    show_rows,
)
from services.order_dispatch.providers.api import ProviderId, require_provider
from services.order_dispatch.providers.registry import get_protocol
from services.order_dispatch.providers.shapes import Body, quantity

router = APIRouter(tags=["orders"])
#: Questions about orders that ended with the update are listed for so long.
CLOSED_QUESTIONS = timedelta(days=30)


@router.get("/customers/{customer_id}/orders")
async def list_orders(
    customer_id: str,
    kit: KitDep,
    principal: PrincipalDep,
    before: str | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    """List a customer's orders, newest first; `before` is the last order_id of the previous page."""
    require_customer(principal, customer_id)
    async with kit.read() as store:
        position = None
        if before is not None:
            last = require_owned(await store.find_order(before), principal)
            position = (last.drafted_at, last.order_id)
        orders = await store.list_orders(customer_id, position, limit)
    return {"orders": [show_order(order) for order in orders]}


@router.get("/orders")
async def list_orders_in_state(
    state: State, kit: KitDep, principal: PrincipalDep, limit: Annotated[int, Query(ge=1, le=500)] = 100
) -> dict[str, Any]:
    """List all orders in one state, such as `unknown`, oldest first; for operators."""
    require(principal, "operator")
    async with kit.read() as store:
        orders = await store.list_orders_in_state(state, limit)
    return {"orders": [show_order(order) for order in orders]}


@router.get("/orders/{order_id}")
async def get_order(order_id: str, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    """Return an order with its transitions and its provider's updates."""
    async with kit.read() as store:
        order = require_owned(await store.find_order(order_id), principal)
        history, updates = await store.list_transitions(order_id), await store.list_updates(order_id)
    return show_order(order) | {"history": show_rows(history), "updates": show_rows(updates)}


@router.get("/questions")
async def list_questions(
    kit: KitDep, principal: PrincipalDep, limit: Annotated[int, Query(ge=1, le=500)] = 100
) -> dict[str, Any]:
    """List orders with an update that an operator must read, newest first; the latest such update of each.

    Its word has no meaning in its protocol, or a detail about goods or money cannot be used. A later update that is
    clear settles it, such as one that the operator posts for the provider.
    """
    require(principal, "operator")
    async with kit.read() as store:
        rows = await store.list_questions(store.now - CLOSED_QUESTIONS, limit)
    return {"questions": show_rows(rows)}


@router.post("/orders/{order_id}/cancel")
async def cancel_order(
    order_id: str, body: CancelBody, kit: KitDep, principal: PrincipalDep, key: RequiredIdempotencyDep
) -> Any:
    """Cancel the lines named, or all that have not left.

    Done at once before submission (200), otherwise by a request to the provider (202). 409: all of them have left, or
    the protocol cancels only whole orders.
    """
    async with command(kit, key) as tx:
        order = require_owned(await tx.store.lock_order(order_id), principal)
        provider = await tx.store.find_provider(order.provider_id)
        cancels_lines = provider is None or get_protocol(provider.protocol).lines.cancel_line
        cancellation = Cancellation(principal.role, body.reason, tx.store.now)
        try:
            decision = cancel(order, cancellation, body.line_ids, cancels_lines=cancels_lines)
        except TooLateError as error:
            raise _too_late(error, "This order can no longer be cancelled", AFTER_CANCELLING) from error
        except NoSuchLineError as error:
            raise _no_such_line(error, order, "line_ids") from error
        except LineNotCancellableError as error:
            title = "Only the whole order can be cancelled"
            raise ProblemError(
                409,
                "whole_order_only",
                title,
                detail=str(error),
                field="line_ids",
                problem=str(error),
                remedy="omit line_ids to cancel the whole order",
            ) from error
        cancelled = [line.state is LineState.CANCELLED for line in map(decision.order.find_line, body.line_ids)]
        is_done = all(cancelled) if body.line_ids else decision.order.state is State.CANCELLED
        return await _respond(tx, decision, 200 if is_done else 202)


#: What can be done with an order that is past being cancelled, or changed.
AFTER_CANCELLING = "once it has arrived, return it with POST /v1/orders/{order_id}/return"
AFTER_CHANGING = "cancel it with POST /v1/orders/{order_id}/cancel while that is possible, or keep it"


def _too_late(error: TooLateError, title: str, remedy: str) -> ProblemError:
    ended = f"nothing is to be done: it is {error.state}"
    over = error.state in {State.CANCELLED, State.REFUSED, State.FAILED, State.RETURNED}
    return ProblemError(
        409,
        "too_late",
        title,
        detail=str(error),
        state=error.state,
        field="path.order_id",
        problem=str(error),
        remedy=ended if over else remedy,
    )


def _no_such_line(error: NoSuchLineError, order: Order, field: str = "line_id") -> ProblemError:
    known = ", ".join(line.line_id for line in order.lines[:20])
    errors = [{"field": field, "problem": str(error), "remedy": f"the lines of this order are {known}"}]
    return ProblemError(422, "no_such_line", "Name the lines of this order", detail=str(error), errors=errors)


async def _respond(tx: Command[Any], decision: Decision, status: int = 200) -> Any:
    """Apply the decision and respond with the order."""
    tx.publish(*await apply_decision(decision, tx.store))
    return tx.respond(status, show_order(decision.order))


def require_owned(order: Order | None, principal: Principal) -> Order:
    """Return the order if the caller may see it; raises 404 otherwise, so that ids cannot be probed."""
    is_staff = principal.role in ("operator", "service")
    if order is None or not (is_staff or principal.customer_id == order.customer_id):
        raise ProblemError(
            404,
            "no_such_order",
            "There is no such order",
            field="path.order_id",
            problem="there is no order {order_id}, or it is another customer's",
            remedy="GET /v1/customers/{customer_id}/orders lists a customer's orders",
        )
    return order


@router.post("/orders/{order_id}/modify")
async def modify_order(
    order_id: str, body: ModifyBody, kit: KitDep, principal: PrincipalDep, key: RequiredIdempotencyDep
) -> Any:
    """Change the number of packs of a line before submission and within the provider's window; 409 after that."""
    require(principal, "operator", "customer")
    async with command(kit, key) as tx:
        order = require_owned(await tx.store.lock_order(order_id), principal)
        provider = await tx.store.find_provider(order.provider_id)
        window_hours = provider.modify_window_hours if provider else None
        try:
            decision = modify(order, body.packs, window_hours, tx.store.now, body.line_id)
        except TooLateError as error:
            raise _too_late(error, "This order can no longer be changed", AFTER_CHANGING) from error
        except NoSuchLineError as error:
            raise _no_such_line(error, order) from error
        except ExcessQuantityError:
            raise ProblemError.of_field(
                "too_much",
                "The order would be too large",
                "packs",
                f"{body.packs} packs are more than an order can hold",
                "send fewer packs",
            ) from None
        return await _respond(tx, decision)


@router.post("/orders/{order_id}/fraud")
async def flag_order(
    order_id: str, body: ReasonBody, kit: KitDep, principal: PrincipalDep, key: RequiredIdempotencyDep
) -> Any:
    """Flag an order as fraud, refund it and block orders of its pools.

    200 if nothing is left to cancel, 202 if the provider was requested to cancel.
    """
    require(principal, "operator")
    async with command(kit, key) as tx:
        decision = flag_fraud(require_owned(await tx.store.lock_order(order_id), principal), body.reason, tx.store.now)
        return await _respond(tx, decision, 200 if decision.order.has_all_left else 202)


@router.post("/orders/{order_id}/fraud/clear")
async def clear_order(order_id: str, kit: KitDep, principal: PrincipalDep, key: RequiredIdempotencyDep) -> Any:
    """Clear a fraud flag, so that its pools may order again."""
    require(principal, "operator")
    async with command(kit, key) as tx:
        decision = clear_fraud(require_owned(await tx.store.lock_order(order_id), principal), tx.store.now)
        return await _respond(tx, decision)


@router.post("/orders/{order_id}/return")
async def return_order(
    order_id: str, body: ReturnBody, kit: KitDep, principal: PrincipalDep, key: RequiredIdempotencyDep
) -> Any:
    """Return delivered goods, once per line; their share of the price is refunded."""
    require(principal, "operator", "customer")
    async with command(kit, key) as tx:
        order = require_owned(await tx.store.lock_order(order_id), principal)
        requested = Cancellation(principal.role, body.reason, tx.store.now)
        try:
            decision = return_goods(order, read_amount(body, order), requested, body.line_id)
        except NoSuchLineError as error:
            raise _no_such_line(error, order) from error
        except NotDeliveredError as error:
            raise _not_delivered(error, order, body.line_id, "This quantity cannot be returned") from error
        return await _respond(tx, decision)


@router.post("/orders/{order_id}/received")
async def count_received(
    order_id: str, body: ReceivedBody, kit: KitDep, principal: PrincipalDep, key: RequiredIdempotencyDep
) -> Any:
    """Record the received quantity of a line and deliver it; less than ordered raises a claim and a refund."""
    require(principal, "operator", "customer")
    async with command(kit, key) as tx:
        order = require_owned(await tx.store.lock_order(order_id), principal)
        try:
            decision = record_count(order, read_amount(body, order), tx.store.now, body.line_id)
        except NoSuchLineError as error:
            raise _no_such_line(error, order) from error
        except NotDeliveredError as error:
            raise _not_delivered(error, order, body.line_id, "This quantity cannot have been received") from error
        except AlreadyCountedError as error:
            title = "The missing quantity was already claimed"
            raise ProblemError(
                409,
                "claimed",
                title,
                detail="See GET /v1/claims.",
                field="quantity",
                problem="another count of this line was reported before, and what is missing was claimed",
                remedy="ask an operator to settle the claim, which GET /v1/claims lists",
            ) from error
        return await _respond(tx, decision)


def _not_delivered(error: NotDeliveredError, order: Order, line_id: str | None, title: str) -> ProblemError:
    line = order.find_line(line_id)
    left = quantity(error.left, line.unit, line.scale)
    most = f"{left['quantity']} {left['unit']}"
    return ProblemError(
        409,
        "not_there",
        title,
        detail=str(error),
        state=order.state,
        line_id=line.line_id,
        left=left,
        field="quantity",
        problem=str(error),
        remedy=f"send at most {most}" if error.left else "try again when the goods have arrived",
    )


@router.get("/claims")
async def list_claims(
    kit: KitDep, principal: PrincipalDep, limit: Annotated[int, Query(ge=1, le=500)] = 100
) -> dict[str, Any]:
    """List shortages, latest first; customers and providers see their own."""
    require(principal, "operator", "customer", "provider")
    own_customer = (principal.customer_id or "") if principal.role == "customer" else None
    own_provider = (principal.provider_id or "") if principal.role == "provider" else None
    async with kit.read() as store:
        rows = await store.list_claims(own_customer, own_provider, limit)
    return {"claims": [_show_claim(row) for row in rows]}


def _show_claim(row: Record) -> dict[str, Any]:
    shown = dict(row)
    unit, scale = BaseUnit(shown.pop("unit")), shown.pop("scale")
    for amount in ("ordered", "received"):
        shown[amount] = quantity(shown[amount], unit, scale)
    return shown


def _read_word(word: Any) -> Any:
    """Return the status that a word stands for in another spelling."""
    return WORDS.get(normalize_word(word), word) if isinstance(word, str) else word


class UpdateBody(ProviderUpdate, Body):
    """OrderUpdated without the provider, which is in the path; a date in `expected_at` is read as `expected_date`."""

    _move_date = model_validator(mode="before")(move_date)

    status: Annotated[UpdateStatus, BeforeValidator(_read_word)]


@router.post("/providers/{provider_id}/updates")
async def post_update(
    provider_id: ProviderId, body: UpdateBody, kit: KitDep, principal: PrincipalDep, key: IdempotencyDep
) -> Any:
    """Process an update like one from the provider's topic, once per update_id, and return its outcome."""
    require_provider(principal, provider_id)
    update = OrderUpdated(provider_id=provider_id, **dict(body))
    async with command(kit, key) as tx:
        applied = await apply_update(update, tx.store)
        if not applied.is_same:
            raise ProblemError(
                409,
                "update_id_taken",
                "This update_id was already used for another update",
                field="update_id",
                problem=f"{body.update_id} was first received with other content",
                remedy="send each update under an update_id of its own; repeat an update without changes",
            )
        tx.publish(*applied.events)
        decided = applied.decision
        outcome, reason, notes = (decided.outcome, decided.reason, decided.notes) if decided else ("repeated", "", ())
        shown = [note.model_dump() for note in notes]
        return tx.respond(200, {"outcome": outcome, "reason": reason, "notes": shown})


@router.get("/providers/{provider_id}/updates")
async def list_unapplied(
    provider_id: ProviderId, kit: KitDep, principal: PrincipalDep, limit: Annotated[int, Query(ge=1, le=500)] = 100
) -> dict[str, Any]:
    """List the latest updates of a provider that were not applied, with the reasons."""
    require_provider(principal, provider_id)
    async with kit.read() as store:
        rows = await store.list_unapplied(provider_id, limit)
    return {"updates": show_rows(rows)}
