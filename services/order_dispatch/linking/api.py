"""Linking a customer with a provider over HTTP: there, back, what is linked, and the end of it."""

import hashlib
import secrets
from base64 import urlsafe_b64encode
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import uuid4

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse, RedirectResponse

from libs.kit import Kit, RetryLaterError
from libs.kit.http.dependencies import KitDep, PrincipalDep, require, require_customer
from libs.kit.http.problems import ProblemError
from services.order_dispatch.domain.links import Attempt, LinkClient
from services.order_dispatch.linking.addresses import check_address, line_to
from services.order_dispatch.linking.beginnings import begin_link
from services.order_dispatch.linking.endings import end_link
from services.order_dispatch.linking.protocols import LinkedProtocol, linked_protocol
from services.order_dispatch.linking.shapes import ClientBody, LinkBody, show_client, show_link
from services.order_dispatch.linking.tokens import Granted, TokenNotGrantedError, exchange, keys_of, opened
from services.order_dispatch.sealing import seal

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
        _check_options(linked_protocol(provider.protocol), body.options)
        await tx.store.save_link_client(client)
    return show_client(client)


@router.post("/customers/{customer_id}/links", status_code=201)
async def begin(customer_id: str, body: LinkBody, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    """Return the provider's page for this customer and device; whoever comes back from it is known by its state.

    Repeating it begins another attempt and harms nothing.
    """
    require_customer(principal, customer_id)
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(64)
    digest = _digest(state)
    async with kit.transaction() as tx:
        client = await tx.store.find_link_client(body.provider_id)
        provider = await tx.store.find_provider(body.provider_id)
        if client is None or provider is None or not provider.active:
            raise ProblemError(404, "not_linkable", "Customers cannot be linked with this provider")
        if not await tx.store.owns_device(customer_id, body.device_id):
            raise ProblemError(404, "no_such_device", "The customer has no such device")
        sealed = seal(keys_of(kit), verifier, digest.hex())
        attempt = Attempt(customer_id, body.device_id, body.provider_id, sealed, _callback(kit))
        expires_at = await tx.store.add_attempt(digest, attempt, tx.store.settings.link_attempt_minutes)
    extras = linked_protocol(provider.protocol).authorize_extras(client.options, body.device_id)
    return {"authorize_url": _page(client, attempt, state, verifier, extras), "expires_at": expires_at}


@router.get("/links/callback")
async def come_back(
    kit: KitDep,
    state: Annotated[str, Query(max_length=200)],
    code: Word = None,
    error: Word = None,
) -> Response:
    """Take a customer back from the provider's page: the code is exchanged, once, for the tokens of a new link."""
    digest = _digest(state)
    async with kit.transaction() as tx:
        attempt: Attempt | None = await tx.store.use_attempt(digest)
        client = None if attempt is None else await tx.store.find_link_client(attempt.provider_id)
    if attempt is None or client is None:
        raise ProblemError(
            400, "attempt_over", "This way back was used before, or is too old", detail="Begin to link anew."
        )
    if code is None or error is not None:
        return _answer(kit, 403, {"linked": False, "provider_id": attempt.provider_id, "reason": "refused"})
    granted = await _granted(kit, client, attempt, code, digest)
    async with kit.transaction() as tx:
        linked = await begin_link(str(uuid4()), attempt, granted, keys_of(kit), tx.store)
        tx.publish(*linked.events)
    if linked.link is None:
        return _answer(kit, 409, {"linked": False, "provider_id": attempt.provider_id, "reason": "the device left"})
    return _answer(kit, 200, {"linked": True, **show_link(linked.link)})


@router.get("/customers/{customer_id}/links")
async def list_links(customer_id: str, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    """What a customer linked, the latest first, with what the provider says about each slot."""
    require_customer(principal, customer_id)
    async with kit.read() as store:
        rows = await store.list_links(customer_id)
    return {"links": [dict(row) for row in rows]}


@router.delete("/customers/{customer_id}/links/{link_id}", status_code=202)
async def end(customer_id: str, link_id: str, kit: KitDep, principal: PrincipalDep) -> dict[str, str]:
    """Stop ordering there at once; the provider is told to revoke the token, and then it is deleted here."""
    require_customer(principal, customer_id)
    async with kit.transaction() as tx:
        link = await tx.store.lock_link(link_id)
        if link is None or link.customer_id != customer_id:
            raise ProblemError(404, "no_such_link", "There is no such link")
        if link.state == "active":
            tx.publish(*await end_link(link, "the customer ended it", tx.store))
    return {"link_id": link_id, "state": "ending" if link.state == "active" else link.state}


def _check_options(speaks: LinkedProtocol, options: dict[str, Any]) -> None:
    try:
        speaks.check_options(options)
    except ValueError as wrong:
        error = {"field": "options", "problem": str(wrong)}
        raise ProblemError(
            422, "bad_options", "The protocol can do nothing with these options", errors=[error]
        ) from wrong


async def _granted(kit: Kit, client: LinkClient, attempt: Attempt, code: str, digest: bytes) -> Granted:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": attempt.redirect_uri,
        "code_verifier": opened(kit, attempt.verifier_sealed, digest.hex()),
    }
    try:
        return await exchange(kit, client, line_to(kit, client, client.token_url), form)
    except TokenNotGrantedError as error:
        detail = f"The provider said: {error}"
        raise ProblemError(403, "not_granted", "The provider does not allow it", detail=detail) from error
    except RetryLaterError as error:
        detail = f"{error}. Begin to link anew."
        raise ProblemError(502, "provider_away", "The provider gives no answer for now", detail=detail) from error


def _page(client: LinkClient, attempt: Attempt, state: str, verifier: str, extras: dict[str, str]) -> str:
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


def _callback(kit: Kit) -> str:
    base: str = kit.settings.public_url or kit.settings.order_dispatch_url  # type: ignore[attr-defined]  # our own
    return base.rstrip("/") + CALLBACK


def _answer(kit: Kit, status: int, body: dict[str, Any]) -> Response:
    """Send the customer on to the page of the settings, else say it in JSON."""
    page: str = kit.settings.link_return_url  # type: ignore[attr-defined]  # our own settings
    if not page:
        return JSONResponse(body, status)
    told = {"linked": str(body["linked"]).lower(), "provider_id": body["provider_id"]}
    return RedirectResponse(f"{page}{'&' if '?' in page else '?'}{urlencode(told)}", 303)


def _digest(state: str) -> bytes:
    return hashlib.sha256(state.encode()).digest()
