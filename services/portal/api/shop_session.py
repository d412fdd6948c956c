"""Sessions of shops; their cookie is separate from a customer's."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import Response

from libs.kit import Kit
from libs.kit.http.problems import ProblemError
from services.portal.api.cookies import cookie_name, set_token_cookie, settings_of
from services.portal.api.dependencies import KitDep
from services.portal.domain.credentials import digest, new_token
from services.portal.store import ShopSession


def shop_cookie(kit: Kit) -> str:
    return f"{cookie_name(kit)}-shop"


async def sign_in_shop(provider_id: str, response: Response, kit: Kit) -> None:
    token, days = new_token(), settings_of(kit).session_days
    async with kit.transaction() as tx:
        await tx.store.add_shop_session(digest(token), ShopSession(provider_id, new_token()), days)
    set_token_cookie(response, shop_cookie(kit), token, kit)


async def find_shop(request: Request, kit: KitDep) -> ShopSession | None:
    token = request.cookies.get(shop_cookie(kit))
    if not token:
        return None
    async with kit.read() as store:
        session: ShopSession | None = await store.find_shop_session(digest(token))
    return session


MaybeShop = Annotated[ShopSession | None, Depends(find_shop)]


async def get_shop(session: MaybeShop) -> ShopSession:
    if session is None:
        raise ProblemError(
            401,
            "not_signed_in",
            "Please sign in to your shop",
            field="header.cookie",
            problem="the request has no valid session of a shop",
            remedy="sign in with the shop's id and key",
        )
    return session


ShopDep = Annotated[ShopSession, Depends(get_shop)]
