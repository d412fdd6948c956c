"""Shops join, and providers get the key with which they ask for tokens."""

from typing import Any
from uuid import uuid4

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict

from libs.kit import Kit
from libs.kit.problems import Problem
from libs.kit.web import KitDep, PrincipalDep, require
from services.portal.api import neighbours
from services.portal.api.security import security_of
from services.portal.api.tokens import NO_STORE
from services.portal.domain import claims
from services.portal.domain.credentials import digest, new_provider_key

router = APIRouter(prefix="/v1", tags=["shops"])


class ShopDocument(BaseModel):
    """What order-dispatch judges: name, terms, lead_time_days."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str
    terms: dict[str, Any]


@router.post("/shops", status_code=201)
async def join(body: ShopDocument, request: Request, kit: KitDep, response: Response) -> dict[str, Any]:
    """Take a shop in whoever asks, and show its key once; an operator admits it before it is ordered from."""
    response.headers.update(NO_STORE)
    return await join_shop(body.model_dump(), request, kit)


@router.post("/providers/{provider_id}/keys", status_code=201)
async def make_key(provider_id: str, kit: KitDep, principal: PrincipalDep, response: Response) -> dict[str, Any]:
    """Give a provider a new key; the one before does not count any more."""
    require(principal, "operator")
    status, found = await _ask(kit, claims.OPERATOR, "GET", "/v1/providers")
    if status != neighbours.OK or provider_id not in {one["provider_id"] for one in found["providers"]}:
        raise Problem(404, "not_found", "There is no such provider")
    response.headers.update(NO_STORE)
    return {"provider_id": provider_id, "provider_key": await _new_key(provider_id, kit)}


async def join_shop(body: dict[str, Any], request: Request, kit: Kit) -> dict[str, Any]:
    """Return the new shop with its key; raises Problem with what order-dispatch found wrong."""
    security = security_of(kit)
    security.check_patience(request, "new shops")
    security.note_failure(request, "new shops")  # each counts: nobody opens ten shops a minute
    status, answer = await _ask(kit, claims.service("portal"), "POST", "/v1/shops", body)
    if status != neighbours.CREATED:
        said = answer if isinstance(answer, dict) else {}
        title = str(said.get("title", "The shop cannot be taken in"))
        raise Problem(status, str(said.get("code", "refused")), title, errors=said.get("errors", []))
    provider_id = str(answer["provider_id"])
    return {"provider_id": provider_id, "active": False, "provider_key": await _new_key(provider_id, kit)}


async def _new_key(provider_id: str, kit: Kit) -> str:
    key = new_provider_key()
    async with kit.transaction() as tx:
        await tx.store.save_provider_key(provider_id, digest(key))
    return key


async def _ask(kit: Kit, bearer: claims.Bearer, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    try:
        key = str(uuid4()) if method == "POST" else None
        return await neighbours.ask(kit, bearer, method, f"{kit.settings.order_dispatch_url}{path}", body, key)
    except neighbours.Away as away:
        title = "Try again shortly"
        raise Problem(503, "unavailable", title, headers={"Retry-After": "2"}) from away
