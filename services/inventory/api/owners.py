"""The owner of the requested provider stock, and the list of its stock."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from libs.kit.http.dependencies import KitDep, PrincipalDep
from libs.kit.http.problems import ProblemError
from services.inventory.api.shapes import Identifier
from services.inventory.domain import Goods

router = APIRouter()


def owner_of(principal: PrincipalDep, owner_id: Identifier | None = None) -> str:
    """Return the owner from the path, else the provider of the token; raises ProblemError 404 without access."""
    owner = owner_id or principal.provider_id
    if owner is None:
        raise ProblemError(
            422,
            "owner_missing",
            "Owner missing",
            detail="Use /v1/owners/{owner}/inventories/...",
            field="path",
            problem=f"the token of role {principal.role} has no stock of its own",
            remedy="use /v1/owners/{owner}/inventories/..., or a token of a provider",
        )
    if principal.role in {"operator", "service"} or (principal.role == "provider" and principal.provider_id == owner):
        return owner
    raise ProblemError(
        404,
        "not_found",
        "Stock not found",
        field="path",
        problem="there is no such owner, or the token does not give access to its stock",
        remedy="use a token of this provider or of an operator",
    )


OwnerDep = Annotated[str, Depends(owner_of)]


def goods_of(owner: OwnerDep, product_id: Identifier) -> Goods:
    return Goods(owner, product_id)


GoodsDep = Annotated[Goods, Depends(goods_of)]


@router.get("/inventories")
async def list_stock(
    owner: OwnerDep, kit: KitDep, limit: Annotated[int, Query(ge=1)] = 50, cursor: Identifier | None = None
) -> dict[str, Any]:
    async with kit.read() as store:
        limit = min(limit, store.settings.page_limit)
        rows = await store.list_provisions(owner, cursor or "", limit)
    stocks = [{"id": row["product_id"], "type": "stock", **dict(row)} for row in rows]
    return {"data": stocks, "next": rows[-1]["product_id"] if len(rows) == limit else None}
