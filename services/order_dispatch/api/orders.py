"""What customers and operators ask about orders, and how they cancel them."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from libs.kit.http.auth import Principal
from libs.kit.http.dependencies import KitDep, PrincipalDep, RequiredIdempotencyDep, require, require_customer
from libs.kit.http.idempotency import send
from libs.kit.http.problems import ProblemError
from services.order_dispatch.acting import carry_out
from services.order_dispatch.api.shapes import CancelBody, show_order, show_rows
from services.order_dispatch.domain import Cancellation, Order, State, TooLateError, ask_to_cancel

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
            last = owned(await store.find_order(before), principal)
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
        order = owned(await store.find_order(order_id), principal)
        steps, updates = await store.list_steps(order_id), await store.list_updates(order_id)
    return show_order(order) | {"history": show_rows(steps), "updates": show_rows(updates)}


@router.post("/orders/{order_id}/cancel")
async def cancel_order(
    order_id: str, body: CancelBody, kit: KitDep, principal: PrincipalDep, key: RequiredIdempotencyDep
) -> Any:
    """Cancel an order nobody outside knows of (200); else ask its provider to (202); shipped goods come (409)."""
    async with kit.transaction(idempotency=key) as tx:
        if tx.replayed:
            return send(tx.replayed, replayed=True)
        order = owned(await tx.store.lock_order(order_id), principal)
        wish = Cancellation(principal.role, body.reason, tx.store.now)
        try:
            turn = ask_to_cancel(order, wish)
        except TooLateError as error:
            title = "It is too late to cancel this order"
            raise ProblemError(409, "too_late", title, detail=str(error), state=error.state) from error
        tx.publish(*await carry_out(turn, tx.store))
        status = 200 if turn.order.state is State.CANCELLED else 202
        return send(tx.respond(status, show_order(turn.order)))


def owned(order: Order | None, principal: Principal) -> Order:
    """Return the order; to strangers it does not exist."""
    mine = order is not None and (
        principal.role in ("operator", "service") or principal.customer_id == order.customer_id
    )
    if order is None or not mine:
        raise ProblemError(404, "no_such_order", "There is no such order")
    return order
