"""Orders over HTTP: lists, changes, cancellations, returns, claims and providers' updates."""

from typing import Annotated, Any

from asyncpg import Record
from fastapi import APIRouter, Query

from libs.kit.http.app import (
    IdempotencyDep,
    KitDep,
    PrincipalDep,
    RequiredIdempotencyDep,
    require,
    require_customer,
    send,
)
from libs.kit.http.identity import Principal
from libs.kit.http.problems import ProblemError
from replenish_contracts.catalogue import Id, Moment, Steps, Text
from replenish_contracts.events import OrderUpdated, UpdateStatus
from replenish_contracts.events.offers import Currency, Money
from replenish_contracts.units import BaseUnit
from services.order_dispatch.domain.cancellation import TooLateError, cancel
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
from services.order_dispatch.domain.order import Cancellation, Order
from services.order_dispatch.domain.states import CLOSED, State
from services.order_dispatch.orders.decisions import apply_decision, apply_update
from services.order_dispatch.orders.shapes import (
    CancelBody,
    ModifyBody,
    ReceivedBody,
    ReturnBody,
    read_amount,
    show_order,
    show_rows,
)
from services.order_dispatch.providers.api import ProviderId, require_provider
from services.order_dispatch.providers.shapes import Body, quantity

router = APIRouter(tags=["orders"])


@router.get("/customers/{customer_id}/orders")
async def list_orders(
    customer_id: str,
    kit: KitDep,
    principal: PrincipalDep,
    before: str | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    """A customer's orders, the newest first; `before` is the last order_id of the page before."""
    require_customer(principal, customer_id)
    async with kit.read() as store:
        place = None
        if before is not None:
            last = require_owned(await store.find_order(before), principal)
            place = (last.drafted_at, last.order_id)
        orders = await store.list_orders(customer_id, place, limit)
    return {"orders": [show_order(order) for order in orders]}


@router.get("/orders")
async def list_orders_in(
    state: State, kit: KitDep, principal: PrincipalDep, limit: Annotated[int, Query(ge=1, le=500)] = 100
) -> dict[str, Any]:
    """Everybody's orders in one state, such as `unknown`, the oldest first; for operators."""
    require(principal, "operator")
    async with kit.read() as store:
        orders = await store.list_orders_in(state, limit)
    return {"orders": [show_order(order) for order in orders]}


@router.get("/orders/{order_id}")
async def get_order(order_id: str, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    """One order with every move it made and everything its provider said."""
    async with kit.read() as store:
        order = require_owned(await store.find_order(order_id), principal)
        steps, updates = await store.list_transitions(order_id), await store.list_updates(order_id)
    return show_order(order) | {"history": show_rows(steps), "updates": show_rows(updates)}


@router.post("/orders/{order_id}/cancel")
async def cancel_order(
    order_id: str, body: CancelBody, kit: KitDep, principal: PrincipalDep, key: RequiredIdempotencyDep
) -> Any:
    """Cancel an order nobody outside knows of (200); else ask its provider to (202); shipped goods come (409)."""
    async with kit.transaction(idempotency=key) as tx:
        if tx.replayed:
            return send(tx.replayed, replayed=True)
        order = require_owned(await tx.store.lock_order(order_id), principal)
        wish = Cancellation(principal.role, body.reason, tx.store.now)
        try:
            decision = cancel(order, wish)
        except TooLateError as error:
            title = "It is too late to cancel this order"
            raise ProblemError(409, "too_late", title, detail=str(error), state=error.state) from error
        tx.publish(*await apply_decision(decision, tx.store))
        status = 200 if decision.order.state is State.CANCELLED else 202
        return send(tx.respond(status, show_order(decision.order)))


def require_owned(order: Order | None, principal: Principal) -> Order:
    """Return the order; to strangers it does not exist."""
    mine = order is not None and (
        principal.role in ("operator", "service") or principal.customer_id == order.customer_id
    )
    if order is None or not mine:
        raise ProblemError(404, "no_such_order", "There is no such order")
    return order


@router.post("/orders/{order_id}/modify")
async def modify_order(
    order_id: str, body: ModifyBody, kit: KitDep, principal: PrincipalDep, key: RequiredIdempotencyDep
) -> Any:
    """Order more or less packs while nobody was asked for them and the provider's window lasts (409 after that)."""
    require(principal, "operator", "customer")
    async with kit.transaction(idempotency=key) as tx:
        if tx.replayed:
            return send(tx.replayed, replayed=True)
        order = require_owned(await tx.store.lock_order(order_id), principal)
        provider = await tx.store.find_provider(order.provider_id)
        window_hours = provider.modify_window_hours if provider else None
        try:
            decision = modify(order, body.packs, window_hours, tx.store.now)
        except TooLateError as error:
            title = "It is too late to change this order"
            raise ProblemError(409, "too_late", title, detail=str(error), state=error.state) from error
        except ExcessQuantityError:
            raise ProblemError(422, "too_much", "No order is that large") from None
        tx.publish(*await apply_decision(decision, tx.store))
        return send(tx.respond(200, show_order(decision.order)))


@router.post("/orders/{order_id}/fraud")
async def flag_order(
    order_id: str, body: CancelBody, kit: KitDep, principal: PrincipalDep, key: RequiredIdempotencyDep
) -> Any:
    """Take an order for fraud: cancel it or ask to (202), give money back, and let its pool order nothing more."""
    require(principal, "operator")
    async with kit.transaction(idempotency=key) as tx:
        if tx.replayed:
            return send(tx.replayed, replayed=True)
        decision = flag_fraud(require_owned(await tx.store.lock_order(order_id), principal), body.reason, tx.store.now)
        tx.publish(*await apply_decision(decision, tx.store))
        status = 200 if decision.order.state in (*CLOSED, State.SHIPPED) else 202
        return send(tx.respond(status, show_order(decision.order)))


@router.post("/orders/{order_id}/fraud/clear")
async def clear_order(order_id: str, kit: KitDep, principal: PrincipalDep, key: RequiredIdempotencyDep) -> Any:
    """Let the pool of an order that was taken for fraud order again."""
    require(principal, "operator")
    async with kit.transaction(idempotency=key) as tx:
        if tx.replayed:
            return send(tx.replayed, replayed=True)
        decision = clear_fraud(require_owned(await tx.store.lock_order(order_id), principal), tx.store.now)
        tx.publish(*await apply_decision(decision, tx.store))
        return send(tx.respond(200, show_order(decision.order)))


@router.post("/orders/{order_id}/return")
async def return_order(
    order_id: str, body: ReturnBody, kit: KitDep, principal: PrincipalDep, key: RequiredIdempotencyDep
) -> Any:
    """Send delivered goods back, once per order; what they had cost goes back, too."""
    require(principal, "operator", "customer")
    async with kit.transaction(idempotency=key) as tx:
        if tx.replayed:
            return send(tx.replayed, replayed=True)
        order = require_owned(await tx.store.lock_order(order_id), principal)
        wish = Cancellation(principal.role, body.reason, tx.store.now)
        try:
            decision = return_goods(order, read_amount(body, order), wish)
        except NotDeliveredError as error:
            raise _not_delivered(error, order, "This much cannot go back") from error
        tx.publish(*await apply_decision(decision, tx.store))
        return send(tx.respond(200, show_order(decision.order)))


@router.post("/orders/{order_id}/received")
async def count_received(
    order_id: str, body: ReceivedBody, kit: KitDep, principal: PrincipalDep, key: RequiredIdempotencyDep
) -> Any:
    """Say how much came: an order under way has arrived by that; less than was ordered is a claim, and paid back."""
    require(principal, "operator", "customer")
    async with kit.transaction(idempotency=key) as tx:
        if tx.replayed:
            return send(tx.replayed, replayed=True)
        order = require_owned(await tx.store.lock_order(order_id), principal)
        try:
            decision = record_count(order, read_amount(body, order), tx.store.now)
        except NotDeliveredError as error:
            raise _not_delivered(error, order, "This much cannot have come") from error
        except AlreadyCountedError as error:
            title = "What is missing was claimed already"
            raise ProblemError(409, "claimed", title, detail="See GET /v1/claims.") from error
        tx.publish(*await apply_decision(decision, tx.store))
        return send(tx.respond(200, show_order(decision.order)))


def _not_delivered(missing: NotDeliveredError, order: Order, title: str) -> ProblemError:
    left = quantity(missing.left, order.unit, order.scale)
    return ProblemError(409, "not_there", title, detail=str(missing), state=order.state, left=left)


@router.get("/claims")
async def list_claims(
    kit: KitDep, principal: PrincipalDep, limit: Annotated[int, Query(ge=1, le=500)] = 100
) -> dict[str, Any]:
    """Orders of which less came than was ordered, the latest first: everybody's, or a customer's or provider's own."""
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


class UpdateBody(Body):
    """OrderUpdated without the provider, whom the path names."""

    update_id: Id
    order_id: Id
    status: UpdateStatus
    occurred_at: Moment
    expected_at: Moment | None = None
    quantity: Steps | None = None
    reason: Text | None = None
    tracking: Text | None = None
    product_id: Id | None = None
    price: Money | None = None
    currency: Currency | None = None


@router.post("/providers/{provider_id}/updates")
async def post_update(
    provider_id: ProviderId, body: UpdateBody, kit: KitDep, principal: PrincipalDep, key: IdempotencyDep
) -> Any:
    """Hear one update as if it had come over the provider's topic, once by its own id; the answer says its fate."""
    require_provider(principal, provider_id)
    update = OrderUpdated(provider_id=provider_id, **dict(body))
    async with kit.transaction(idempotency=key) as tx:
        if tx.replayed:
            return send(tx.replayed, replayed=True)
        applied = await apply_update(update, tx.store)
        if not applied.is_same:
            raise ProblemError(409, "update_id_taken", "This update_id said something else the first time")
        tx.publish(*applied.events)
        decided = applied.decision
        outcome, reason = (decided.outcome, decided.reason) if decided else ("repeated", "")
        return send(tx.respond(200, {"outcome": outcome, "reason": reason}))


@router.get("/providers/{provider_id}/updates")
async def list_unapplied(
    provider_id: ProviderId, kit: KitDep, principal: PrincipalDep, limit: Annotated[int, Query(ge=1, le=500)] = 100
) -> dict[str, Any]:
    """The latest updates of a provider that changed nothing, with the reason of each."""
    require_provider(principal, provider_id)
    async with kit.read() as store:
        rows = await store.list_unapplied(provider_id, limit)
    return {"updates": show_rows(rows)}
