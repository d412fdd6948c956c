"""Linking a customer with a provider over HTTP."""

import hashlib
import secrets
from base64 import urlsafe_b64encode
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import uuid4

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import Field, SecretStr

from libs.kit import Kit, RetryLaterError
from libs.kit.http.dependencies import KitDep, PrincipalDep, require, require_customer
from libs.kit.http.problems import ProblemError
from replenish_contracts.catalogue import NO_NUL
from services.order_dispatch.domain.links import Attempt, Link, LinkClient
from services.order_dispatch.linking.links import begin_link, end_link, linking_of
from services.order_dispatch.linking.oauth import (
    Granted,
    TokenNotGrantedError,
    check_address,
    exchange,
    keys_of,
    open_secret,
    plain_client,
)
from services.order_dispatch.providers.protocol import AccountLinking
from services.order_dispatch.providers.shapes import Body, Short
from services.order_dispatch.sealing import seal

Url = Annotated[str, Field(min_length=1, max_length=2000, pattern=NO_NUL)]


class LinkBody(Body):
    """What is to be linked."""

    provider_id: Short
    device_id: Short


class ClientBody(Body):
    """How we are known to a provider, as it told us when we registered there."""

    authorize_url: Url
    token_url: Url
    api_url: Url
    #: Where tokens are revoked (RFC 7009), for providers whose API does not do it itself.
    revoke_url: Url | None = None
    client_id: Annotated[str, Field(min_length=1, max_length=500, pattern=NO_NUL)]
    client_secret: SecretStr
    scope: Short
    #: What only the protocol understands, such as DRS's device_model, country and topic_arns.
    options: dict[str, Any] = Field(default_factory=dict)


def show_client(client: LinkClient) -> dict[str, Any]:
    """Return a client as its reader sees it, without the secret."""
    return {
        "provider_id": client.provider_id,
        "authorize_url": client.authorize_url,
        "token_url": client.token_url,
        "api_url": client.api_url,
        "revoke_url": client.revoke_url,
        "client_id": client.client_id,
        "scope": client.scope,
        "options": dict(client.options),
    }


def show_link(link: Link) -> dict[str, str]:
    return {
        "link_id": link.link_id,
        "customer_id": link.customer_id,
        "provider_id": link.provider_id,
        "device_id": link.device_id,
        "state": link.state,
    }


router = APIRouter(tags=["links"])
CALLBACK = "/v1/links/callback"
Word = Annotated[str | None, Query(max_length=4000)]


@router.put("/providers/{provider_id}/link-client")
async def put_link_client(provider_id: str, body: ClientBody, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    """Say how we are known to a provider that links customers; the secret is sealed and never shown again."""
    require(principal, "operator")
    for field in ("authorize_url", "token_url", "api_url", "revoke_url"):
        if url := getattr(body, field):
            check_address(url, field, kit)
    client = LinkClient(
        provider_id,
        body.authorize_url,
        body.token_url,
        body.api_url,
        body.client_id,
        seal(keys_of(kit), body.client_secret.get_secret_value(), f"{provider_id}/client_secret"),
        body.scope,
        body.revoke_url,
        body.options,
    )
    async with kit.transaction() as tx:
        provider = await tx.store.find_provider(provider_id)
        if provider is None:
            raise ProblemError(404, "no_such_provider", "There is no such provider")
        _check_options(linking_of(provider), body.options)
        await tx.store.save_link_client(client)
    return show_client(client)


@router.post("/customers/{customer_id}/links", status_code=201)
async def begin_linking(customer_id: str, body: LinkBody, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    """Return the provider's page for this customer and device; whoever comes back from it is known by its state.

    Repeating it begins another attempt and harms nothing.
    """
    require_customer(principal, customer_id)
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(64)
    digest = _hash_state(state)
    async with kit.transaction() as tx:
        client = await tx.store.find_link_client(body.provider_id)
        provider = await tx.store.find_provider(body.provider_id)
        if client is None or provider is None or not provider.active:
            raise ProblemError(404, "not_linkable", "Customers cannot be linked with this provider")
        if not await tx.store.owns_device(customer_id, body.device_id):
            raise ProblemError(404, "no_such_device", "The customer has no such device")
        sealed = seal(keys_of(kit), verifier, digest.hex())
        attempt = Attempt(customer_id, body.device_id, body.provider_id, sealed, _callback_url(kit))
        expires_at = await tx.store.add_attempt(digest, attempt, tx.store.settings.link_attempt_minutes)
    extras = linking_of(provider).authorize_extras(client.options, body.device_id)
    return {"authorize_url": _authorize_url(client, attempt, state, verifier, extras), "expires_at": expires_at}


@router.get("/links/callback")
async def finish_linking(
    kit: KitDep,
    state: Annotated[str, Query(max_length=200)],
    code: Word = None,
    error: Word = None,
) -> Response:
    """Take a customer back from the provider's page: the code is exchanged, once, for the tokens of a new link."""
    digest = _hash_state(state)
    async with kit.transaction() as tx:
        attempt: Attempt | None = await tx.store.redeem_attempt(digest)
        client = None if attempt is None else await tx.store.find_link_client(attempt.provider_id)
    if attempt is None or client is None:
        raise ProblemError(
            400, "attempt_over", "This way back was used before, or is too old", detail="Begin to link anew."
        )
    if code is None or error is not None:
        return _redirect(kit, 403, {"linked": False, "provider_id": attempt.provider_id, "reason": "refused"})
    granted = await _exchange_code(kit, client, attempt, code, digest)
    async with kit.transaction() as tx:
        linked = await begin_link(str(uuid4()), attempt, granted, keys_of(kit), tx.store)
        tx.publish(*linked.events)
    if linked.link is None:
        return _redirect(kit, 409, {"linked": False, "provider_id": attempt.provider_id, "reason": "the device left"})
    return _redirect(kit, 200, {"linked": True, **show_link(linked.link)})


@router.get("/customers/{customer_id}/links")
async def list_links(customer_id: str, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    """What a customer linked, the latest first, with what the provider says about each slot."""
    require_customer(principal, customer_id)
    async with kit.read() as store:
        rows = await store.list_links(customer_id)
    return {"links": [dict(row) for row in rows]}


@router.delete("/customers/{customer_id}/links/{link_id}", status_code=202)
async def end_linking(customer_id: str, link_id: str, kit: KitDep, principal: PrincipalDep) -> dict[str, str]:
    """Stop ordering there at once; the provider is told to revoke the token, and then it is deleted here."""
    require_customer(principal, customer_id)
    async with kit.transaction() as tx:
        link = await tx.store.lock_link(link_id)
        if link is None or link.customer_id != customer_id:
            raise ProblemError(404, "no_such_link", "There is no such link")
        if link.state == "active":
            tx.publish(*await end_link(link, "the customer ended it", tx.store))
    return {"link_id": link_id, "state": "ending" if link.state == "active" else link.state}


def _check_options(linking: AccountLinking, options: dict[str, Any]) -> None:
    try:
        linking.check_options(options)
    except ValueError as wrong:
        error = {"field": "options", "problem": str(wrong)}
        raise ProblemError(
            422, "bad_options", "The protocol can do nothing with these options", errors=[error]
        ) from wrong


async def _exchange_code(kit: Kit, client: LinkClient, attempt: Attempt, code: str, digest: bytes) -> Granted:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": attempt.redirect_uri,
        "code_verifier": open_secret(kit, attempt.verifier_sealed, digest.hex()),
    }
    try:
        return await exchange(kit, client, plain_client(kit, client, client.token_url), form)
    except TokenNotGrantedError as error:
        detail = f"The provider said: {error}"
        raise ProblemError(403, "not_granted", "The provider does not allow it", detail=detail) from error
    except RetryLaterError as error:
        detail = f"{error}. Begin to link anew."
        raise ProblemError(502, "provider_away", "The provider gives no answer for now", detail=detail) from error


def _authorize_url(client: LinkClient, attempt: Attempt, state: str, verifier: str, extras: dict[str, str]) -> str:
    """Return the address a customer is sent to (RFC 6749 section 4.1.1, RFC 7636 section 4.3)."""
    challenge = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "client_id": client.client_id,
        "scope": client.scope,
        **extras,
        "response_type": "code",
        "redirect_uri": attempt.redirect_uri,
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    return f"{client.authorize_url}{'&' if '?' in client.authorize_url else '?'}{urlencode(asked)}"


def _callback_url(kit: Kit) -> str:
    base: str = kit.settings.public_url or kit.settings.order_dispatch_url  # type: ignore[attr-defined]  # our own
    return base.rstrip("/") + CALLBACK


def _redirect(kit: Kit, status: int, body: dict[str, Any]) -> Response:
    """Send the customer on to the page of the settings, else say it in JSON."""
    page: str = kit.settings.link_return_url  # type: ignore[attr-defined]  # our own settings
    if not page:
        return JSONResponse(body, status)
    told = {"linked": str(body["linked"]).lower(), "provider_id": body["provider_id"]}
    return RedirectResponse(f"{page}{'&' if '?' in page else '?'}{urlencode(told)}", 303)


def _hash_state(state: str) -> bytes:
    return hashlib.sha256(state.encode()).digest()
