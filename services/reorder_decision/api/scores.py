"""HTTP API of provider scores."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter

from libs.kit.http.dependencies import KitDep, PrincipalDep, require
from libs.kit.http.problems import ProblemError
from services.reorder_decision.domain import Record, rates_of
from services.reorder_decision.store.records import Kept

router = APIRouter()


@router.get("/v1/providers/{provider_id}/score")
async def get_score(provider_id: str, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    """Return a provider's score, overall and by product; providers may read only their own."""
    require(principal, "operator", "service", "customer", "provider")
    if principal.role == "provider" and principal.provider_id != provider_id:
        raise ProblemError(403, "forbidden", "This score belongs to another provider")
    async with kit.read() as store:
        if not await store.knows_provider(provider_id):
            raise ProblemError(404, "not_found", "There is no such provider")
        records = await store.list_records(provider_id)
    whole = sum((kept.record for kept in records), Record())
    return {"provider_id": provider_id, **_shown(whole), "products": [_of_product(kept) for kept in records]}


def _of_product(kept: Kept) -> dict[str, Any]:
    learned = kept.learned_days is not None
    lead = {
        "days": kept.learned_days if learned else kept.stated_days,
        "learned": learned,
        "stated": kept.stated_days,
        "observations": len(kept.took_days),
    }
    return {"product_id": kept.product_id, **_shown(kept.record), "lead_time": lead}


def _shown(record: Record) -> dict[str, Any]:
    rates = rates_of(record)
    return {"score": rates.score, "rates": {name: round(rate, 4) for name, rate in asdict(rates).items()}} | {
        "counts": asdict(record)
    }
