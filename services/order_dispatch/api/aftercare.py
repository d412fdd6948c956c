"""What people may do to an order besides cancelling it: change it, call it fraud, count it, send it back, claim."""

from typing import Annotated, Any

from asyncpg import Record
from fastapi import APIRouter, Query

from libs.kit.http.dependencies import KitDep, PrincipalDep, RequiredIdempotencyDep, require
from libs.kit.http.idempotency import send
from libs.kit.http.problems import ProblemError
from replenish_contracts.units import BaseUnit
from services.order_dispatch.acting import carry_out
from services.order_dispatch.api.orders import owned
from services.order_dispatch.api.shapes import (
    CancelBody,
    ModifyBody,
    ReceivedBody,
    ReturnBody,
    quantity,
    read_amount,
    show_order,
)
from services.order_dispatch.domain import (
    CLOSED,
    AlreadyCountedError,
    Cancellation,
    ExcessQuantityError,
    NotDeliveredError,
    Order,
    State,
    TooLateError,
    clear,
    flag,
    modify,
    receive,
    take_back,
)

router = APIRouter(tags=["orders"])


@router.post("/orders/{order_id}/modify")
async def modify_order(
    order_id: str, body: ModifyBody, kit: KitDep, principal: PrincipalDep, key: RequiredIdempotencyDep
) -> Any:
    """Order more or less packs while nobody was asked for them and the provider's window lasts (409 after that)."""
    require(principal, "operator", "customer")
    async with kit.transaction(idempotency=key) as tx:
        if tx.replayed:
            return send(tx.replayed, replayed=True)
        order = owned(await tx.store.lock_order(order_id), principal)
        provider = await tx.store.find_provider(order.provider_id)
        window_hours = provider.modify_window_hours if provider else None
        try:
            turn = modify(order, body.packs, window_hours, tx.store.now)
        except TooLateError as error:
            title = "It is too late to change this order"
            raise ProblemError(409, "too_late", title, detail=str(error), state=error.state) from error
        except ExcessQuantityError:
            raise ProblemError(422, "too_much", "No order is that large") from None
        tx.publish(*await carry_out(turn, tx.store))
        return send(tx.respond(200, show_order(turn.order)))


@router.post("/orders/{order_id}/fraud")
async def flag_order(
    order_id: str, body: CancelBody, kit: KitDep, principal: PrincipalDep, key: RequiredIdempotencyDep
) -> Any:
    """Take an order for fraud: cancel it or ask to (202), give money back, and let its pool order nothing more."""
    require(principal, "operator")
    async with kit.transaction(idempotency=key) as tx:
        if tx.replayed:
            return send(tx.replayed, replayed=True)
        turn = flag(owned(await tx.store.lock_order(order_id), principal), body.reason, tx.store.now)
        tx.publish(*await carry_out(turn, tx.store))
        status = 200 if turn.order.state in (*CLOSED, State.SHIPPED) else 202
        return send(tx.respond(status, show_order(turn.order)))


@router.post("/orders/{order_id}/fraud/clear")
async def clear_order(order_id: str, kit: KitDep, principal: PrincipalDep, key: RequiredIdempotencyDep) -> Any:
    """Let the pool of an order that was taken for fraud order again."""
    require(principal, "operator")
    async with kit.transaction(idempotency=key) as tx:
        if tx.replayed:
            return send(tx.replayed, replayed=True)
        turn = clear(owned(await tx.store.lock_order(order_id), principal), tx.store.now)
        tx.publish(*await carry_out(turn, tx.store))
        return send(tx.respond(200, show_order(turn.order)))


@router.post("/orders/{order_id}/return")
async def return_order(
    order_id: str, body: ReturnBody, kit: KitDep, principal: PrincipalDep, key: RequiredIdempotencyDep
) -> Any:
    """Send delivered goods back, once per order; what they had cost goes back, too."""
    require(principal, "operator", "customer")
    async with kit.transaction(idempotency=key) as tx:
        if tx.replayed:
            return send(tx.replayed, replayed=True)
        order = owned(await tx.store.lock_order(order_id), principal)
        wish = Cancellation(principal.role, body.reason, tx.store.now)
        try:
            turn = take_back(order, read_amount(body, order), wish)
        except NotDeliveredError as error:
            raise _not_there(error, order, "This much cannot go back") from error
        tx.publish(*await carry_out(turn, tx.store))
        return send(tx.respond(200, show_order(turn.order)))


@router.post("/orders/{order_id}/received")
async def count_received(
    order_id: str, body: ReceivedBody, kit: KitDep, principal: PrincipalDep, key: RequiredIdempotencyDep
) -> Any:
    """Say how much came: an order under way has arrived by that; less than was ordered is a claim, and paid back."""
    require(principal, "operator", "customer")
    async with kit.transaction(idempotency=key) as tx:
        if tx.replayed:
            return send(tx.replayed, replayed=True)
        order = owned(await tx.store.lock_order(order_id), principal)
        try:
            turn = receive(order, read_amount(body, order), tx.store.now)
        except NotDeliveredError as error:
            raise _not_there(error, order, "This much cannot have come") from error
        except AlreadyCountedError as error:
            title = "What is missing was claimed already"
            raise ProblemError(409, "claimed", title, detail="See GET /v1/claims.") from error
        tx.publish(*await carry_out(turn, tx.store))
        return send(tx.respond(200, show_order(turn.order)))


def _not_there(missing: NotDeliveredError, order: Order, title: str) -> ProblemError:
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
