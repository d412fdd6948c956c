"""Shops whose orders are kept here: how they join, are admitted, and state their terms."""

import re
from typing import Annotated, Any
from uuid import uuid4

from fastapi import APIRouter
from pydantic import Field

from libs.kit import Kit
from libs.kit.http.auth import Principal
from libs.kit.http.dependencies import KitDep, PrincipalDep, RequiredIdempotencyDep, require
from libs.kit.http.idempotency import IdempotentRequest, send
from libs.kit.http.problems import ProblemError
from services.order_dispatch.api.providers import ProviderId, provider_changed, require_provider, show_provider
from services.order_dispatch.api.shapes import Body, Short
from services.order_dispatch.domain import Provider
from services.order_dispatch.providers import hosted

router = APIRouter(tags=["shops"])


class ShopBody(Body):
    """A shop that wants its orders kept here."""

    name: Short
    terms: hosted.Terms
    #: Days from a yes to the door.
    lead_time_days: Annotated[float, Field(gt=0, le=60, allow_inf_nan=False)] = 3


class TermsBody(Body):
    """What a shop can do from now on."""

    terms: hosted.Terms
    lead_time_days: Annotated[float, Field(gt=0, le=60, allow_inf_nan=False)] = 3


class AdmissionBody(Body):
    """Whether a shop may be ordered from."""

    admitted: bool


@router.post("/shops", status_code=201)
async def join(body: ShopBody, kit: KitDep, principal: PrincipalDep, key: RequiredIdempotencyDep) -> Any:
    """Take a shop in; it is ordered from once an operator has admitted it."""
    require(principal, "operator", "service")
    slug = re.sub("[^a-z0-9]+", "-", body.name.lower()).strip("-")[:40] or "shop"
    provider = Provider(
        provider_id=f"{slug}-{uuid4().hex[:6]}",
        name=body.name,
        protocol="hosted",
        active=False,
        lead_time_days=body.lead_time_days,
        account=body.terms.model_dump(mode="json"),
    )
    async with kit.transaction(idempotency=key) as tx:
        if tx.replayed:
            return send(tx.replayed, replayed=True)
        await tx.store.save_provider(provider)
        tx.publish(provider_changed(provider))
        itself = Principal("shop", "provider", provider_id=provider.provider_id)
        return send(tx.respond(201, show_provider(provider, [], itself)))


@router.post("/providers/{provider_id}/admission")
async def admit(
    provider_id: ProviderId, body: AdmissionBody, kit: KitDep, principal: PrincipalDep, key: RequiredIdempotencyDep
) -> Any:
    """Let a shop be ordered from, or not any more."""
    require(principal, "operator")
    return await _change(provider_id, {"active": body.admitted}, kit, principal, key)


@router.put("/providers/{provider_id}/terms")
async def put_terms(provider_id: ProviderId, body: TermsBody, kit: KitDep, principal: PrincipalDep) -> Any:
    """Say what a shop can do; the shop itself may."""
    require_provider(principal, provider_id)
    changes = {"account": body.terms.model_dump(mode="json"), "lead_time_days": body.lead_time_days}
    return await _change(provider_id, changes, kit, principal)


async def _change(
    provider_id: str, changes: dict[str, Any], kit: Kit, principal: Principal, key: IdempotentRequest | None = None
) -> Any:
    async with kit.transaction(idempotency=key) as tx:
        if tx.replayed:
            return send(tx.replayed, replayed=True)
        provider = await tx.store.lock_provider(provider_id)
        if provider is None or provider.protocol != "hosted":
            raise ProblemError(404, "no_such_shop", "There is no such shop")
        changed = Provider(**{**{name: getattr(provider, name) for name in provider.__slots__}, **changes})
        await tx.store.save_provider(changed)
        tx.publish(provider_changed(changed))
        offers = [offer for offer in await tx.store.list_offers() if offer.provider_id == provider_id]
        return send(tx.respond(200, show_provider(changed, offers, principal)))
