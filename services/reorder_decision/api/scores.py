"""HTTP API of provider scores."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter

from libs.kit.http.dependencies import KitDep, PrincipalDep, require
from libs.kit.http.problems import ProblemError
from services.reorder_decision.domain import Scorecard, rates_of
from services.reorder_decision.store.scorecards import ProductScorecard

router = APIRouter()


@router.get("/v1/providers/{provider_id}/score")
async def get_score(provider_id: str, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    """Return a provider's score, overall and by product; providers may read only their own."""
    require(principal, "operator", "service", "customer", "provider")
    if principal.role == "provider" and principal.provider_id != provider_id:
        raise ProblemError(
            403,
            "forbidden",
            "This score belongs to another provider",
            field="path.provider_id",
            problem=f"the token is of {principal.provider_id}, the score is of {{provider_id}}",
            remedy=f"request the score of {principal.provider_id}",
        )
    async with kit.read() as store:
        if not await store.is_known_provider(provider_id):
            title, remedy = "There is no such provider", "GET /v1/providers of order-dispatch lists the providers"
            raise ProblemError.of_missing("not_found", title, "provider", "provider_id", remedy)
        records = await store.list_scorecards(provider_id)
    whole = sum((scorecard.record for scorecard in records), Scorecard())
    return {"provider_id": provider_id, **_shown(whole), "products": [_of_product(scorecard) for scorecard in records]}


def _of_product(scorecard: ProductScorecard) -> dict[str, Any]:
    learned = scorecard.learned_days is not None
    lead = {
        "days": scorecard.learned_days if learned else scorecard.stated_days,
        "learned": learned,
        "stated": scorecard.stated_days,
        "observations": len(scorecard.took_days),
    }
    return {"product_id": scorecard.product_id, **_shown(scorecard.record), "lead_time": lead}


def _shown(record: Scorecard) -> dict[str, Any]:
    rates = rates_of(record)
    return {"score": rates.score, "rates": {name: round(rate, 4) for name, rate in asdict(rates).items()}} | {
        "counts": asdict(record)
    }
