"""HTTP API to approve and decline proposed orders."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter

from libs.kit.http.auth import Principal
from libs.kit.http.dependencies import IdempotencyDep, KitDep, PrincipalDep, require_customer
from libs.kit.http.idempotency import command
from libs.kit.http.problems import ProblemError
from libs.kit.kit import Kit
from services.reorder_decision.domain import (
    Context,
    Decision,
    Pool,
    Reason,
    explain_obstacle,
    find_obstacle,
    proposal_approved,
    proposal_declined,
    source_of,
)
from services.reorder_decision.store import Store

router = APIRouter()
#: What ends the obstacle to an approved order.
REMEDIES = {
    Reason.PAUSED: "resume the subscription with PATCH /v1/subscriptions/{id}, then approve the order",
    Reason.NO_OFFER: "choose another provider with PATCH /v1/subscriptions/{id}",
    Reason.OFFER_UNAVAILABLE: "approve the order when the product is available, or choose another provider",
    Reason.PROVIDER_INACTIVE: "approve the order when the provider takes orders, or choose another provider",
    Reason.PACK_SIZE_DIFFERS: "set the pack size that the provider sells with PATCH /v1/subscriptions/{id}",
    Reason.PACK_UNIT_DIFFERS: "choose another provider with PATCH /v1/subscriptions/{id}",
    Reason.UNITS_DIFFER: "register the devices of this product with the same unit",
    Reason.NO_SLOTS: "register a device with a slot for this product",
    Reason.PAUSED_AT_PROVIDER: "resume the slot in the customer's account with the provider, then approve the order",
    Reason.LINK_ENDED: "link the device again with POST /v1/customers/{id}/links, then approve the order",
    Reason.NOT_LINKED: "link the device with POST /v1/customers/{id}/links, then approve the order",
}


@router.post("/v1/reorders/{order_id}/approve")
async def approve(order_id: str, kit: KitDep, principal: PrincipalDep, key: IdempotencyDep) -> Any:
    """Place the proposed order; 409 if it is not proposed any more or cannot be ordered at present."""
    return await _answer(proposal_approved, order_id, kit, (principal, key))


@router.post("/v1/reorders/{order_id}/decline")
async def decline(order_id: str, kit: KitDep, principal: PrincipalDep, key: IdempotencyDep) -> Any:
    """Drop the proposal; the product is not proposed again for some days."""
    return await _answer(proposal_declined, order_id, kit, (principal, key))


Answer = Callable[[Pool, str, Context], Decision]


async def _answer(answer: Answer, order_id: str, kit: Kit, caller: tuple[Principal, IdempotencyDep]) -> Any:
    principal, key = caller
    async with command(kit, key) as tx:
        store: Store = tx.store
        pool = await _lock_proposed(store, order_id, principal)
        obstacle = find_obstacle(pool.slots, pool.subscription, source_of(pool))
        if answer is proposal_approved and obstacle:
            why = explain_obstacle(obstacle.reason, pool.slots, pool.subscription, source_of(pool))
            raise ProblemError(
                409,
                "cannot_order_now",
                "This product cannot be ordered at present",
                detail=f"{why[:1].upper()}{why[1:]}.",
                reason=obstacle.reason,
                field="path.order_id",
                problem=f"the order {{order_id}} cannot be placed: {why}",
                remedy=REMEDIES.get(obstacle.reason, "approve the order again when this has changed, or decline it"),
            )
        decision = answer(pool, _name(principal), store.context)
        tx.publish(*await store.save_decision(pool, decision))
        state = "open" if decision.pool.order else "declined"
        receipt_id = decision.receipts[0].receipt_id
        return tx.respond(200, {"order_id": order_id, "state": state, "receipt_id": receipt_id})


async def _lock_proposed(store: Store, order_id: str, principal: Principal) -> Pool:
    row = await store.find_order(order_id)
    if row is None:
        title, remedy = "There is no such order", "the page and the mail of a proposal contain its order_id"
        raise ProblemError.of_missing("not_found", title, "proposed order", "order_id", remedy)
    require_customer(principal, row["customer_id"])
    if row["collecting_pool_ids"]:
        await store.lock_pools(sorted({row["pool_id"], *row["collecting_pool_ids"]}))
    pool = await store.lock_pool(row["pool_id"])
    if pool is None or pool.order is None or pool.order.order_id != order_id or not pool.order.proposed:
        latest = await store.find_order(order_id)
        state = latest["state"] if latest else "ended"
        raise ProblemError(
            409,
            "not_proposed",
            "This order is not waiting for approval",
            state=state,
            field="path.order_id",
            problem=f"the order {{order_id}} is {state}",
            remedy="nothing more is to be approved or declined; cancel an open order with POST /v1/orders/{id}/cancel",
        )
    return pool


def _name(principal: Principal) -> str:
    return f"the {principal.role}"
