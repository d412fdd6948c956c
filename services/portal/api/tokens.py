"""Access tokens, sign-in links and the published verification keys."""

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import Field

from libs.kit import Kit
from libs.kit.http.auth import unauthorized
from libs.kit.http.dependencies import IdempotencyDep, PrincipalDep, require
from libs.kit.http.idempotency import send
from libs.kit.http.problems import ProblemError
from libs.kit.kit import StoredResponse
from services.portal.api.cookies import settings_of
from services.portal.api.dependencies import KitDep
from services.portal.api.security import Security, security_of
from services.portal.api.shapes import Body
from services.portal.domain import claims
from services.portal.domain.credentials import derive_link_token, digest, new_nonce

router = APIRouter(tags=["tokens"])

KEY_REMEDY = (
    "send the operator's key, a service with its own key, or a provider with its own key, as they were issued; "
    "an operator can issue a new key of a provider with POST /v1/providers/{id}/keys"
)
NO_STORE = {"Cache-Control": "no-store"}
#: Member of a stored response from which its secret is derived. The secret is not stored; the nonce is not sent.
NONCE = "nonce"


class TokenBody(Body):
    """An operator key, a service with its key, or a provider with its key."""

    operator_key: Annotated[str, Field(max_length=500)] | None = None
    service: Annotated[str, Field(max_length=100)] | None = None
    service_key: Annotated[str, Field(max_length=500)] | None = None
    provider_id: Annotated[str, Field(max_length=100)] | None = None
    provider_key: Annotated[str, Field(max_length=500)] | None = None


@router.get("/.well-known/jwks.json")
async def get_keys(kit: KitDep, response: Response) -> dict[str, Any]:
    """Return the public keys of access tokens (RFC 7517)."""
    key_ring = security_of(kit).key_ring
    key_ring.reload()
    response.headers["Cache-Control"] = "public, max-age=60"
    return key_ring.published


@router.post("/v1/tokens")
async def make_token(body: TokenBody, request: Request, kit: KitDep, response: Response) -> dict[str, Any]:
    security = security_of(kit)
    name = _attempt_name(body)
    security.check_rate_limit(request, name)
    bearer = await _provider_bearer(body, kit) if body.provider_id is not None else _key_bearer(body, security)
    if bearer is None:
        security.record_failure(request, name)
        raise unauthorized("The key is not correct.", remedy=KEY_REMEDY)
    response.headers.update(NO_STORE)
    return security.token(bearer)


@router.post("/v1/customers/{customer_id}/tokens")
async def make_customer_token(
    customer_id: str, kit: KitDep, principal: PrincipalDep, response: Response
) -> dict[str, Any]:
    """Issue a customer token to an operator, for the customer's app."""
    require(principal, "operator")
    async with kit.read() as store:
        known = await store.find_customer(customer_id)
    if known is None:
        raise customer_not_found()
    response.headers.update(NO_STORE)
    return security_of(kit).token(claims.customer(customer_id))


@router.post("/v1/customers/{customer_id}/sign-in-links", status_code=201)
async def make_sign_in_link(customer_id: str, kit: KitDep, principal: PrincipalDep, asked: IdempotencyDep) -> Response:
    """Create a single-use sign-in link that expires after `sign_in_link_minutes`."""
    require(principal, "operator")
    minutes = settings_of(kit).sign_in_link_minutes
    async with kit.transaction(asked) as tx:
        if tx.replayed:
            token = _link_token(kit, bytes.fromhex(tx.replayed.body[NONCE]))
            valid = await tx.store.has_sign_in_link(digest(token))
            return show_secret(tx.replayed, "url", _link(kit, token) if valid else None, replayed=True)
        if await tx.store.lock_customer(customer_id) is None:
            raise customer_not_found()
        nonce = new_nonce()
        token = _link_token(kit, nonce)
        await tx.store.add_sign_in_link(digest(token), customer_id, minutes)
        kept = tx.respond(201, {"expires_in": minutes * 60, NONCE: nonce.hex()})
    return show_secret(kept, "url", _link(kit, token))


def show_secret(kept: StoredResponse, name: str, secret: str | None, *, replayed: bool = False) -> Response:
    """Send a stored response with its secret, or null if the secret is no longer valid."""
    body = {member: value for member, value in kept.body.items() if member != NONCE} | {name: secret}
    response = send(StoredResponse(kept.status, body), replayed=replayed)
    response.headers.update(NO_STORE)
    return response


def _link_token(kit: Kit, nonce: bytes) -> str:
    return derive_link_token(security_of(kit).key_ring.derive(b"sign-in-links"), nonce)


def _link(kit: Kit, token: str) -> str:
    return f"{settings_of(kit).public_url.rstrip('/')}/sign-in?token={token}"


def customer_not_found() -> ProblemError:
    title, remedy = "Customer not found", "GET /v1/customers lists the customers; POST /v1/customers creates one"
    return ProblemError.of_missing("not_found", title, "customer", "customer_id", remedy)


def _attempt_name(body: TokenBody) -> str:
    if body.provider_id is not None:
        return f"provider:{body.provider_id}"
    return f"service:{body.service}" if body.operator_key is None else "operator"


async def _provider_bearer(body: TokenBody, kit: Kit) -> claims.Bearer | None:
    if body.provider_key is None or body.operator_key is not None or body.service is not None:
        raise ProblemError.of_field(
            "invalid",
            "Send only provider_id and provider_key",
            "provider_key",
            "the key is missing, or other keys are sent with it",
            "send provider_id and provider_key, and no other field",
        )
    known = await is_provider(body.provider_id or "", body.provider_key, kit)
    return claims.provider(body.provider_id or "") if known else None


async def is_provider(provider_id: str, key: str, kit: Kit) -> bool:
    async with kit.read() as store:
        known: bool = await store.has_provider_key(provider_id, digest(key))
    return known


def _key_bearer(body: TokenBody, security: Security) -> claims.Bearer | None:
    if body.operator_key is not None:
        return claims.OPERATOR if security.is_operator(body.operator_key) else None
    if body.service is None or body.service_key is None:
        raise ProblemError.of_field(
            "invalid",
            "Send operator_key, or service and service_key",
            "service_key"
            if body.service is not None
            else "service"
            if body.service_key is not None
            else "operator_key",
            "the key or its owner is missing",
            "send operator_key, or service and service_key, or provider_id and provider_key",
        )
    return claims.service(body.service) if security.is_service(body.service, body.service_key) else None
