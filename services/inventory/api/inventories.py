"""Provider stock in the shape of the inventory document: stock, and stock-transactions that never change."""

import json
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Query

from libs.kit.problems import Problem
from libs.kit.web import IdempotencyDep, KitDep, PrincipalDep, send
from services.inventory.api.shapes import (
    LARGEST,
    CountBody,
    RestockBody,
    ReturnsBody,
    Short,
    TransactionDocument,
    moment,
    refusal,
)
from services.inventory.domain import Action, Goods, Movement, Shortage, stock
from services.inventory.store import Origin, Provision, Store

router = APIRouter()
NEWEST = 2**62


def owner_of(principal: PrincipalDep, owner_id: Short | None = None) -> str:
    """Return whose stock is meant: the path says so, or it is the provider's own. Raises Problem 404 for a stranger."""
    owner = owner_id or principal.provider_id
    if owner is None:
        raise Problem(422, "owner_missing", "Say whose stock", detail="Use /v1/owners/{owner}/inventories/...")
    if principal.role in {"operator", "service"} or (principal.role == "provider" and principal.provider_id == owner):
        return owner
    raise Problem(404, "not_found", "There is no such stock for this token")


OwnerDep = Annotated[str, Depends(owner_of)]


def goods_of(owner: OwnerDep, product_id: Short) -> Goods:
    return Goods(owner, product_id)


GoodsDep = Annotated[Goods, Depends(goods_of)]


@router.get("/inventories")
async def list_stock(
    owner: OwnerDep, kit: KitDep, limit: Annotated[int, Query(ge=1)] = 50, cursor: str = ""
) -> dict[str, Any]:
    async with kit.read() as store:
        limit = min(limit, store.settings.page_limit)
        rows = await store.list_provisions(owner, cursor.replace("\0", ""), limit)
    stocks = [{"id": row["product_id"], "type": "stock", **dict(row)} for row in rows]
    return {"data": stocks, "next": rows[-1]["product_id"] if len(rows) == limit else None}


@router.get("/inventories/{product_id}")
async def get_stock(goods: GoodsDep, kit: KitDep) -> dict[str, Any]:
    async with kit.read() as store:
        return {"data": await _stock(goods, store)}


@router.get("/inventories/{product_id}/transactions")
async def list_transactions(
    goods: GoodsDep,
    kit: KitDep,
    limit: Annotated[int, Query(ge=1)] = 50,
    cursor: Annotated[int | None, Query(ge=1, le=NEWEST)] = None,
) -> dict[str, Any]:
    """Return the product's transactions, newest first; `next` is the cursor of the following page."""
    async with kit.read() as store:
        limit = min(limit, store.settings.page_limit)
        rows = await store.list_transactions(goods, cursor or NEWEST, limit)
    return {
        "data": [_transaction(goods, row) for row in rows],
        "next": rows[-1]["number"] if len(rows) == limit else None,
    }


@router.get("/inventories/{product_id}/transactions/{transaction_id}")
async def get_transaction(goods: GoodsDep, transaction_id: UUID, kit: KitDep) -> dict[str, Any]:
    async with kit.read() as store:
        row = await store.find_transaction(goods, transaction_id)
    if row is None:
        raise Problem(404, "not_found", "There is no such transaction")
    return {"data": _transaction(goods, row)}


@router.post("/inventories/{product_id}/transactions", status_code=201)
async def create_transaction(
    goods: GoodsDep, body: TransactionDocument, kit: KitDep, principal: PrincipalDep, key: IdempotencyDep
) -> Any:
    """Move stock in or out, or keep some of it by hand; what is kept for orders only orders let go."""
    asked = body.data
    action = Action(asked.action)
    async with kit.transaction(idempotency=key) as tx:
        if tx.replayed:
            return send(tx.replayed, replayed=True)
        store: Store = tx.store
        provision = await _lock(goods, store, create=action is Action.INCREMENT)
        await _allow(action, asked.quantity, goods, provision, store)
        booked = await _book(goods, stock.by_hand(action, asked.quantity), principal.role, store)
        if action in {Action.ALLOCATE, Action.DEALLOCATE}:
            await store.keep_by_hand(goods, asked.quantity if action is Action.ALLOCATE else -asked.quantity)
        return send(tx.answer(201, {"data": booked}))


@router.post("/inventories/{product_id}/count", status_code=201)
async def count_stock(
    goods: GoodsDep, body: CountBody, kit: KitDep, principal: PrincipalDep, key: IdempotencyDep
) -> Any:
    """Set the total to what was counted; the difference is booked to `unexplained`."""
    async with kit.transaction(idempotency=key) as tx:
        if tx.replayed:
            return send(tx.replayed, replayed=True)
        provision = await _lock(goods, tx.store, create=True)
        if body.quantity < provision.allocated:
            kept = Shortage(goods, provision.allocated, body.quantity)
            raise await refusal([kept], tx.store, 409, "less_than_allocated")
        difference = body.quantity - provision.total
        if difference:
            await _book(goods, stock.recount(difference), principal.role, tx.store)
        return send(tx.answer(201, {"data": await _stock(goods, tx.store), "difference": difference}))


@router.post("/inventories/{product_id}/returns", status_code=201)
async def judge_returns(
    goods: GoodsDep, body: ReturnsBody, kit: KitDep, principal: PrincipalDep, key: IdempotencyDep
) -> Any:
    """Sell goods again that came back, or throw them away: only a person's word does either."""
    async with kit.transaction(idempotency=key) as tx:
        if tx.replayed:
            return send(tx.replayed, replayed=True)
        provision = await _lock(goods, tx.store)
        if body.quantity > provision.returned:
            short = Shortage(goods, body.quantity, provision.returned)
            raise await refusal([short], tx.store, 400, "fewer_came_back")
        movement = (stock.restock if body.verdict == "restock" else stock.discard)(body.quantity)
        booked = await _book(goods, movement, principal.role, tx.store)
        return send(tx.answer(201, {"data": booked}))


@router.put("/inventories/{product_id}/restock")
async def announce(goods: GoodsDep, body: RestockBody, kit: KitDep) -> dict[str, Any]:
    """Say when more will come; a shortage names it until then."""
    async with kit.transaction() as tx:
        await tx.store.save_restock(goods, body.at, body.quantity)
    return {"data": {"id": goods.product_id, "type": "restock", "at": moment(body.at), "quantity": body.quantity}}


@router.delete("/inventories/{product_id}/restock", status_code=204)
async def withdraw_announcement(goods: GoodsDep, kit: KitDep) -> None:
    async with kit.transaction() as tx:
        await tx.store.delete_restock(goods)


async def _lock(goods: Goods, store: Store, *, create: bool = False) -> Provision:
    """Lock a provider's stock; raises Problem where there is none or where it is somebody's shelf."""
    if create or await store.find_provision(goods):
        await store.lock_shelf(goods)
    provision = await store.find_provision(goods)
    if provision is None:
        raise Problem(404, "unknown_product", "This owner has no such product in stock")
    if provision.customers:
        raise Problem(409, "a_customers_goods", "A customer's goods are not moved by hand", detail="Count the shelf.")
    return provision


async def _allow(action: Action, quantity: int, goods: Goods, provision: Provision, store: Store) -> None:
    if action is Action.INCREMENT:
        if provision.total + quantity > LARGEST:
            raise Problem(422, "too_much", "No stock is that large")
        return
    have = provision.by_hand if action is Action.DEALLOCATE else provision.available
    if quantity > have:
        code = "not_allocated_by_hand" if action is Action.DEALLOCATE else "insufficient_stock"
        raise await refusal([Shortage(goods, quantity, have)], store, 400, code)


async def _book(goods: Goods, movement: Movement, role: str, store: Store) -> dict[str, Any]:
    name = f"by hand/{uuid4()}"
    await store.book(goods, movement, Origin(name, role, store.now))
    row = await store.find_transaction(goods, store.transaction_id(name))
    return _transaction(goods, row)


async def _stock(goods: Goods, store: Store) -> dict[str, Any]:
    provision = await store.find_provision(goods)
    if provision is None:
        raise Problem(404, "unknown_product", "This owner has no such product in stock")
    expected = await store.list_restocks([goods])
    return {
        "id": goods.product_id,
        "type": "stock",
        "owner_id": goods.owner_id,
        "total": provision.total,
        "available": provision.available,
        "allocated": provision.allocated,
        "allocated_by_hand": provision.by_hand,
        "returned": provision.returned,
        "restock_at": moment(expected.get(goods)),
    }


def _transaction(goods: Goods, row: Any) -> dict[str, Any]:
    return {
        "id": str(row["transaction_id"]),
        "type": "stock-transaction",
        "action": row["action"],
        "product_id": goods.product_id,
        "quantity": row["quantity"],
        "timestamps": {"created_at": moment(row["booked_at"]), "happened_at": moment(row["happened_at"])},
        "reason": row["reason"],
        "entries": json.loads(row["entries"]),
        "order_id": row["order_id"],
        "event_id": row["cause"],
        "booked_by": row["booked_by"],
    }
