"""API for shops that join and for provider keys."""

from typing import Annotated, Any, NamedTuple
from uuid import UUID, uuid4, uuid5

from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import BaseModel, ConfigDict

from libs.kit import Kit
from libs.kit.http.dependencies import IdempotencyDep, PrincipalDep, idempotent_request, require
from libs.kit.http.idempotency import IdempotentRequest
from libs.kit.http.problems import ProblemError
from libs.kit.kit import StoredResponse, Transaction
from services.portal.api import service_calls
from services.portal.api.dependencies import KitDep
from services.portal.api.security import security_of
from services.portal.api.tokens import NONCE, show_secret
from services.portal.domain import claims
from services.portal.domain.credentials import derive_provider_key, digest, new_nonce
from services.portal.store import Store

router = APIRouter(prefix="/v1", tags=["shops"])
_NAMESPACE = UUID("0f0b3a52-6a55-4a0c-9a0e-5f3c54c8a1d7")


class ShopDocument(BaseModel):
    """Shop to create; order_dispatch validates its terms and lead_time_days."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str
    terms: dict[str, Any]


class KeyResponse(NamedTuple):
    """Response with a provider key; None if the key has been replaced since."""

    kept: StoredResponse
    key: str | None
    replayed: bool = False

    def show(self) -> Response:
        return show_secret(self.kept, "provider_key", self.key, replayed=self.replayed)


def client_scope(request: Request) -> str:
    """Scope of Idempotency-Keys sent without a token; another address cannot obtain a key by guessing one."""
    return f"anybody:{request.client.host if request.client else ''}"


async def _idempotency_without_token(
    request: Request, idempotency_key: Annotated[str | None, Header()] = None
) -> IdempotentRequest | None:
    return None if idempotency_key is None else await idempotent_request(client_scope(request), request)


AnonymousIdempotencyDep = Annotated[IdempotentRequest | None, Depends(_idempotency_without_token)]


@router.post("/shops", status_code=201)
async def create_shop(body: ShopDocument, request: Request, kit: KitDep, asked: AnonymousIdempotencyDep) -> Response:
    """Create a shop and return its key once; needs no token. An operator admits the shop before it gets orders."""
    return (await join_shop(body.model_dump(), request, kit, asked)).show()


@router.post("/providers/{provider_id}/keys", status_code=201)
async def create_key(provider_id: str, kit: KitDep, principal: PrincipalDep, asked: IdempotencyDep) -> Response:
    """Create a key for a provider; the previous key becomes invalid."""
    require(principal, "operator")
    status, found = await _call(kit, claims.OPERATOR, "GET", "/v1/providers")
    if status != service_calls.OK:
        raise _unavailable()
    if provider_id not in {one["provider_id"] for one in found["providers"]}:
        title, remedy = "Provider not found", "GET /v1/providers of order-dispatch lists the providers"
        raise ProblemError.of_missing("not_found", title, "provider", "provider_id", remedy)
    async with kit.transaction(asked) as tx:
        response = await _replay(tx.replayed, tx.store, kit) or await _issue_key({"provider_id": provider_id}, tx, kit)
    return response.show()


async def join_shop(body: dict[str, Any], request: Request, kit: Kit, asked: IdempotentRequest | None) -> KeyResponse:
    """Create a shop and its key; raises ProblemError with the errors reported by order_dispatch.

    A crash between the commit of order_dispatch and ours leaves a shop without a key. A repeat with the same
    Idempotency-Key is idempotent in order_dispatch too, so the same shop then gets its key.
    """
    security = security_of(kit)
    security.check_rate_limit(request, "new shops")
    async with kit.transaction(asked) as tx:
        response = await _replay(tx.replayed, tx.store, kit)
    if response is not None:
        return response
    security.record_failure(request, "new shops")  # counts every attempt, which limits new shops per minute
    shop = {"provider_id": await _create_shop(body, kit, asked), "active": False}
    async with kit.transaction(asked) as tx:
        return await _replay(tx.replayed, tx.store, kit) or await _issue_key(shop, tx, kit)


async def _create_shop(body: dict[str, Any], kit: Kit, asked: IdempotentRequest | None) -> str:
    once = uuid5(_NAMESPACE, f"{asked.principal}\n{asked.path}\n{asked.key}") if asked else uuid4()
    status, answer = await _call(kit, claims.service("portal"), "POST", "/v1/shops", body, str(once))
    if status != service_calls.CREATED:
        problem = answer if isinstance(answer, dict) else {}
        title = str(problem.get("title", "The shop could not be created"))
        # 409: the same request is in progress there.
        later = {"Retry-After": "1"} if status == service_calls.CONFLICT else None
        raise ProblemError(
            status, str(problem.get("code", "refused")), title, headers=later, errors=problem.get("errors", [])
        )
    return str(answer["provider_id"])


async def _issue_key(shown: dict[str, Any], tx: Transaction, kit: Kit) -> KeyResponse:
    """Save a new key's digest and store the response without the key."""
    nonce = new_nonce()
    key = _key(kit, nonce)
    await tx.store.save_provider_key(shown["provider_id"], digest(key))
    return KeyResponse(tx.respond(201, shown | {NONCE: nonce.hex()}), key)


async def _replay(kept: StoredResponse | None, store: Store, kit: Kit) -> KeyResponse | None:
    """Return the stored response, with its key unless that was replaced or the signing key has changed."""
    if kept is None:
        return None
    key = _key(kit, bytes.fromhex(kept.body[NONCE]))
    valid = await store.has_provider_key(kept.body["provider_id"], digest(key))
    return KeyResponse(kept, key if valid else None, replayed=True)


def _key(kit: Kit, nonce: bytes) -> str:
    return derive_provider_key(security_of(kit).key_ring.derive(b"provider-keys"), nonce)


async def _call(
    kit: Kit,
    bearer: claims.Bearer,
    method: str,
    path: str,
    body: dict[str, Any] | None = None,
    key: str | None = None,
) -> Any:
    try:
        status, found = await service_calls.call(
            kit, bearer, method, f"{kit.settings.order_dispatch_url}{path}", body, key
        )
    except service_calls.UnavailableError as error:
        raise _unavailable() from error
    if status >= service_calls.SERVER_ERRORS:
        raise _unavailable()
    return status, found


def _unavailable() -> ProblemError:
    return ProblemError(
        503,
        "unavailable",
        "Temporarily unavailable",
        headers={"Retry-After": "2"},
        problem="order_dispatch does not respond",
        remedy="send the same request again in 2 s, with the same Idempotency-Key",
    )
