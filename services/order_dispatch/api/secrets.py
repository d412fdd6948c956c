"""What proves to a provider who we are, and to us who it is: put in, sealed, and never shown."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field, StringConstraints

from libs.kit.http.dependencies import KitDep, PrincipalDep, require
from libs.kit.http.problems import ProblemError
from replenish_contracts.catalogue import NO_NUL
from services.order_dispatch.api.providers import ProviderId
from services.order_dispatch.api.shapes import Body
from services.order_dispatch.outward import seal_secrets

router = APIRouter(tags=["providers"])

Name = Annotated[str, StringConstraints(pattern="^[a-z][a-z_]{0,49}$")]
Value = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=NO_NUL)]


class SecretsBody(Body):
    """All secrets of a provider by name; `callback_before` may hold the one that `callback` takes over from."""

    secrets: Annotated[dict[Name, Value], Field(max_length=20)]


@router.put("/providers/{provider_id}/secrets", status_code=204)
async def put_secrets(provider_id: ProviderId, body: SecretsBody, kit: KitDep, principal: PrincipalDep) -> None:
    """Give a provider its secrets, all at once; what was there before is gone."""
    require(principal, "operator")
    sealed = seal_secrets(provider_id, body.secrets, kit.settings)
    async with kit.transaction() as tx:
        if await tx.store.find_provider(provider_id) is None:
            raise ProblemError(404, "no_such_provider", "There is no such provider")
        await tx.store.save_secrets(provider_id, sealed)
