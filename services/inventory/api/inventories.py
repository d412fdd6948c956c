"""Provider stock and its immutable stock-transactions, in the format of the inventory document."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query

from libs.kit.http.dependencies import KitDep
from libs.kit.http.problems import ProblemError
from services.inventory.api.owners import GoodsDep
from services.inventory.api.shapes import RestockBody, format_time, stock_of, transaction_of

router = APIRouter(prefix="/inventories/{product_id}")
NEWEST = 2**62


@router.get("")
async def get_stock(goods: GoodsDep, kit: KitDep) -> dict[str, Any]:
    async with kit.read() as store:
        return {"data": await stock_of(goods, store)}


@router.get("/transactions")
async def list_transactions(
    goods: GoodsDep,
    kit: KitDep,
    limit: Annotated[int, Query(ge=1)] = 50,
    cursor: Annotated[int | None, Query(ge=1, le=NEWEST)] = None,
) -> dict[str, Any]:
    async with kit.read() as store:
        limit = min(limit, store.settings.page_limit)
        rows = await store.list_transactions(goods, cursor or NEWEST, limit)
    return {
        "data": [transaction_of(goods, row) for row in rows],
        "next": rows[-1]["number"] if len(rows) == limit else None,
    }


@router.get("/transactions/{transaction_id}")
async def get_transaction(goods: GoodsDep, transaction_id: UUID, kit: KitDep) -> dict[str, Any]:
    async with kit.read() as store:
        row = await store.find_transaction(goods, transaction_id)
    if row is None:
        title, remedy = "Transaction not found", "GET /inventories/{product_id}/transactions lists the transactions"
        raise ProblemError.of_missing("not_found", title, "transaction", "transaction_id", remedy)
    return {"data": transaction_of(goods, row)}


@router.put("/restock")
async def announce_restock(goods: GoodsDep, body: RestockBody, kit: KitDep) -> dict[str, Any]:
    """Announce the next restock; shortages contain its time until then."""
    async with kit.transaction() as tx:
        await tx.store.save_restock(goods, body.expected_at, body.quantity)
    return {
        "data": {
            "id": goods.product_id,
            "type": "restock",
            "expected_at": format_time(body.expected_at),
            "quantity": body.quantity,
        }
    }


@router.delete("/restock", status_code=204)
async def withdraw_restock(goods: GoodsDep, kit: KitDep) -> None:
    async with kit.transaction() as tx:
        await tx.store.delete_restock(goods)
