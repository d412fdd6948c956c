"""HTTP API of notices and notification preferences."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from libs.kit.http.dependencies import KitDep, PrincipalDep, require_customer
from libs.kit.http.problems import ProblemError
from services.notification.domain import KINDS, TO_SHOPS, Kind

router = APIRouter(prefix="/v1/customers/{customer_id}", tags=["notices"])


@router.get("/notices")
async def list_notices(
    customer_id: str,
    kit: KitDep,
    principal: PrincipalDep,
    before: str | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> dict[str, Any]:
    """List all notices of this customer, sent or not, the latest first; `before` is a notice_id."""
    require_customer(principal, customer_id)
    async with kit.read() as store:
        rows = await store.list_notices(customer_id, before, limit)
    return {"notices": [dict(row) for row in rows]}


@router.get("/preferences")
async def get_preferences(customer_id: str, kit: KitDep, principal: PrincipalDep) -> dict[str, dict[Kind, bool]]:
    require_customer(principal, customer_id)
    async with kit.read() as store:
        chosen = await store.list_preferences(customer_id)
    return {"preferences": {kind: rule.enabled for kind, rule in KINDS.items() if kind not in TO_SHOPS} | chosen}


@router.put("/preferences")
async def put_preferences(
    customer_id: str, body: dict[Kind, bool], kit: KitDep, principal: PrincipalDep
) -> dict[str, dict[Kind, bool]]:
    """Switch some kinds on or off; others keep their value."""
    require_customer(principal, customer_id)
    if TO_SHOPS & body.keys():
        raise ProblemError(
            422,
            "not_theirs",
            "Mails to shops cannot be changed",
            detail="The setting contains a kind of mail that is sent to shops.",
            errors=[
                {
                    "field": kind,
                    "problem": "mails of this kind are sent to shops",
                    "remedy": f"omit it; customers choose among {', '.join(sorted(KINDS.keys() - TO_SHOPS))}",
                }
                for kind in sorted(TO_SHOPS & body.keys())
            ],
        )
    async with kit.transaction() as tx:
        if not await tx.store.is_erased(customer_id):
            await tx.store.save_preferences(customer_id, body)
    return await get_preferences(customer_id, kit, principal)
