"""Providers' updates over HTTP, for those without Kafka and for an operator who settles an unknown order."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from libs.kit.http.dependencies import IdempotencyDep, KitDep, PrincipalDep
from libs.kit.http.idempotency import send
from libs.kit.http.problems import ProblemError
from replenish_contracts.catalogue import Id, Moment, Steps, Text
from replenish_contracts.events import OrderUpdated, UpdateStatus
from replenish_contracts.events.offers import Currency, Money
from services.order_dispatch.acting import hear_update
from services.order_dispatch.api.providers import ProviderId, require_provider
from services.order_dispatch.api.shapes import Body, show_rows

router = APIRouter(tags=["providers"])


class UpdateBody(Body):
    """OrderUpdated without the provider, whom the path names."""

    update_id: Id
    order_id: Id
    status: UpdateStatus
    occurred_at: Moment
    expected_at: Moment | None = None
    quantity: Steps | None = None
    reason: Text | None = None
    tracking: Text | None = None
    product_id: Id | None = None
    price: Money | None = None
    currency: Currency | None = None


@router.post("/providers/{provider_id}/updates")
async def post_update(
    provider_id: ProviderId, body: UpdateBody, kit: KitDep, principal: PrincipalDep, key: IdempotencyDep
) -> Any:
    """Hear one update as if it had come over the provider's topic, once by its own id; the answer says its fate."""
    require_provider(principal, provider_id)
    update = OrderUpdated(provider_id=provider_id, **dict(body))
    async with kit.transaction(idempotency=key) as tx:
        if tx.replayed:
            return send(tx.replayed, replayed=True)
        heard = await hear_update(update, tx.store)
        if not heard.same:
            raise ProblemError(409, "update_id_taken", "This update_id said something else the first time")
        tx.publish(*heard.said)
        verdict = heard.verdict
        fate = {"fate": verdict.fate, "reason": verdict.reason} if verdict else {"fate": "repeated", "reason": ""}
        return send(tx.respond(200, fate))


@router.get("/providers/{provider_id}/updates")
async def list_unapplied(
    provider_id: ProviderId, kit: KitDep, principal: PrincipalDep, limit: Annotated[int, Query(ge=1, le=500)] = 100
) -> dict[str, Any]:
    """The latest updates of a provider that changed nothing, with the reason of each."""
    require_provider(principal, provider_id)
    async with kit.read() as store:
        rows = await store.list_unapplied(provider_id, limit)
    return {"updates": show_rows(rows)}
