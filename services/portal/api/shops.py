"""Shops join, and providers get the key with which they ask for tokens."""

from typing import Annotated, Any, NamedTuple
from uuid import UUID, uuid4, uuid5

from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import BaseModel, ConfigDict

from libs.kit import Kit
from libs.kit.idempotency import Asked, Kept
from libs.kit.kit import Transaction
from libs.kit.problems import Problem
from libs.kit.web import IdempotencyDep, KitDep, PrincipalDep, asked_by, require
from services.portal.api import neighbours
from services.portal.api.security import security_of
from services.portal.api.tokens import NONCE, show_secret
from services.portal.domain import claims
from services.portal.domain.credentials import derive_provider_key, digest, new_nonce
from services.portal.store import Store

router = APIRouter(prefix="/v1", tags=["shops"])
_NAMESPACE = UUID("0f0b3a52-6a55-4a0c-9a0e-5f3c54c8a1d7")


class ShopDocument(BaseModel):
    """What order-dispatch judges: name, terms, lead_time_days."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str
    terms: dict[str, Any]


class Given(NamedTuple):
    """An answer that gives a provider its key, which is none where another was made since."""

    kept: Kept
    key: str | None
    replayed: bool = False

    def show(self) -> Response:
        return show_secret(self.kept, "provider_key", self.key, replayed=self.replayed)


def anybody_at(request: Request) -> str:
    """Return whose Idempotency-Keys these are where nobody has a token: to guess one elsewhere shows no key."""
    return f"anybody:{request.client.host if request.client else ''}"


async def _asked_by_anybody(request: Request, idempotency_key: Annotated[str | None, Header()] = None) -> Asked | None:
    return None if idempotency_key is None else await asked_by(anybody_at(request), request)


AnybodyDep = Annotated[Asked | None, Depends(_asked_by_anybody)]


@router.post("/shops", status_code=201)
async def join(body: ShopDocument, request: Request, kit: KitDep, asked: AnybodyDep) -> Response:
    """Take a shop in whoever asks, and show its key once; an operator admits it before it is ordered from."""
    return (await join_shop(body.model_dump(), request, kit, asked)).show()


@router.post("/providers/{provider_id}/keys", status_code=201)
async def make_key(provider_id: str, kit: KitDep, principal: PrincipalDep, asked: IdempotencyDep) -> Response:
    """Give a provider a new key; the one before does not count any more."""
    require(principal, "operator")
    status, found = await _ask(kit, claims.OPERATOR, "GET", "/v1/providers")
    if status != neighbours.OK:
        raise _unavailable()
    if provider_id not in {one["provider_id"] for one in found["providers"]}:
        raise Problem(404, "not_found", "There is no such provider")
    async with kit.transaction(asked) as tx:
        given = await _again(tx.replayed, tx.store, kit) or await _give({"provider_id": provider_id}, tx, kit)
    return given.show()


async def join_shop(body: dict[str, Any], request: Request, kit: Kit, asked: Asked | None) -> Given:
    """Return the new shop with its key; raises Problem with what order-dispatch found wrong.

    A crash between order-dispatch's commit and ours leaves a shop without a key. The same request again is the same
    to order-dispatch too, so that it is that shop which gets one.
    """
    security = security_of(kit)
    security.check_patience(request, "new shops")
    async with kit.transaction(asked) as tx:
        given = await _again(tx.replayed, tx.store, kit)
    if given is not None:
        return given
    security.note_failure(request, "new shops")  # each counts: nobody opens ten shops a minute
    shop = {"provider_id": await _take_in(body, kit, asked), "active": False}
    async with kit.transaction(asked) as tx:
        return await _again(tx.replayed, tx.store, kit) or await _give(shop, tx, kit)


async def _take_in(body: dict[str, Any], kit: Kit, asked: Asked | None) -> str:
    """Return the id of the shop that order-dispatch took in."""
    once = uuid5(_NAMESPACE, f"{asked.principal}\n{asked.path}\n{asked.key}") if asked else uuid4()
    status, answer = await _ask(kit, claims.service("portal"), "POST", "/v1/shops", body, str(once))
    if status != neighbours.CREATED:
        said = answer if isinstance(answer, dict) else {}
        title = str(said.get("title", "The shop cannot be taken in"))
        later = {"Retry-After": "1"} if status == neighbours.CONFLICT else None  # the same request is under way there
        raise Problem(status, str(said.get("code", "refused")), title, headers=later, errors=said.get("errors", []))
    return str(answer["provider_id"])


async def _give(shown: dict[str, Any], tx: Transaction, kit: Kit) -> Given:
    """Give the provider a new key, and keep the answer without it."""
    nonce = new_nonce()
    key = _key(kit, nonce)
    await tx.store.save_provider_key(shown["provider_id"], digest(key))
    return Given(tx.answer(201, shown | {NONCE: nonce.hex()}), key)


async def _again(kept: Kept | None, store: Store, kit: Kit) -> Given | None:
    """Return the kept answer; with its key, unless another was made since or the signing key was changed."""
    if kept is None:
        return None
    key = _key(kit, bytes.fromhex(kept.body[NONCE]))
    counts = await store.has_provider_key(kept.body["provider_id"], digest(key))
    return Given(kept, key if counts else None, replayed=True)


def _key(kit: Kit, nonce: bytes) -> str:
    return derive_provider_key(security_of(kit).ring.derive(b"provider-keys"), nonce)


async def _ask(  # a request has as many parts
    kit: Kit,
    bearer: claims.Bearer,
    method: str,
    path: str,
    body: dict[str, Any] | None = None,
    key: str | None = None,
) -> Any:
    try:
        status, found = await neighbours.ask(kit, bearer, method, f"{kit.settings.order_dispatch_url}{path}", body, key)
    except neighbours.Away as away:
        raise _unavailable() from away
    if status >= neighbours.SERVER_ERRORS:
        raise _unavailable()
    return status, found


def _unavailable() -> Problem:
    return Problem(503, "unavailable", "Try again shortly", headers={"Retry-After": "2"})
