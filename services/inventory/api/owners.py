"""Whose provider stock is asked about, and what of it there is."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from libs.kit.problems import Problem
from libs.kit.web import KitDep, PrincipalDep
from services.inventory.api.shapes import Short
from services.inventory.domain import Goods

router = APIRouter()


def owner_of(principal: PrincipalDep, owner_id: Short | None = None) -> str:
    """Return whose stock is meant: the path says so, or it is the provider's own. Raises Problem 404 for strangers."""
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
    owner: OwnerDep, kit: KitDep, limit: Annotated[int, Query(ge=1)] = 50, cursor: Short | None = None
) -> dict[str, Any]:
    """Return the owner's stock by product; `next` is the cursor of the following page."""
    async with kit.read() as store:
        limit = min(limit, store.settings.page_limit)
        rows = await store.list_provisions(owner, cursor or "", limit)
    stocks = [{"id": row["product_id"], "type": "stock", **dict(row)} for row in rows]
    return {"data": stocks, "next": rows[-1]["product_id"] if len(rows) == limit else None}
