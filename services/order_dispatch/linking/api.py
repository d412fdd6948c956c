"""HTTP API of account linking: OAuth clients, the authorization code flow, and customers' links."""

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
from services.order_dispatch.linking.links import create_link, end_link, get_linking
from services.order_dispatch.linking.oauth import (
    TokenGrant,
    TokenNotGrantedError,
    check_address,
    open_secret,
    request_token,
)
from services.order_dispatch.providers.api import no_such_provider, provider_changed
from services.order_dispatch.providers.shapes import Body, Short
from services.order_dispatch.sealing import seal, sealing_keys
from services.order_dispatch.settings import settings_of

router = APIRouter(tags=["links"])
CALLBACK_PATH = "/v1/links/callback"
Url = Annotated[str, Field(min_length=1, max_length=2000, pattern=NO_NUL)]
CallbackParameter = Annotated[str | None, Query(max_length=4000)]


class LinkBody(Body):
    provider_id: Short
    device_id: Short


class ClientBody(Body):
    """Our registration as an OAuth client at a provider."""

    authorize_url: Url
    token_url: Url
    api_url: Url
    #: Revocation endpoint (RFC 7009), for providers whose deregistration does not revoke tokens.
    revoke_url: Url | None = None
    client_id: Annotated[str, Field(min_length=1, max_length=500, pattern=NO_NUL)]
    client_secret: SecretStr
    scope: Short
    #: Settings of the protocol, such as DRS's device_model, country and topic_arns.
    options: dict[str, Any] = Field(default_factory=dict)


def show_client(client: LinkClient) -> dict[str, Any]:
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


def _check_client_secret(secret: str) -> None:
    """Raise ProblemError 422 unless the secret is printable ASCII (RFC 6749, appendix A.2) without white space.

    A provider chooses its length.
    """
    if not secret or any(character.isspace() or not "!" <= character <= "~" for character in secret):
        problem = "is empty, or contains white space or characters that are not printable ASCII"
        remedy = "copy the client secret again, without spaces and line breaks"
        errors = [{"code": "unusable_secret", "field": "client_secret", "problem": problem, "remedy": remedy}]
        raise ProblemError(422, "unusable_secret", "The client secret cannot be used", errors=errors)


@router.put("/providers/{provider_id}/link-client")
async def put_link_client(provider_id: str, body: ClientBody, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    """Set our OAuth client at a provider. The secret is stored encrypted and never returned."""
    require(principal, "operator")
    for field in ("authorize_url", "token_url", "api_url", "revoke_url"):
        if url := getattr(body, field):
            check_address(url, field, kit)
    _check_client_secret(body.client_secret.get_secret_value())
    client = LinkClient(
        provider_id,
        body.authorize_url,
        body.token_url,
        body.api_url,
        body.client_id,
        seal(sealing_keys(kit), body.client_secret.get_secret_value(), f"{provider_id}/client_secret"),
        body.scope,
        body.revoke_url,
        body.options,
    )
    async with kit.transaction() as tx:
        provider = await tx.store.find_provider(provider_id)
        if provider is None:
            raise no_such_provider()
        try:
            get_linking(provider).check_options(body.options)
        except ValueError as error:
            remedy = str(error).partition(": ")[2] or "docs/providers/drs.md lists the options"
            errors = [{"field": "options", "problem": str(error), "remedy": remedy}]
            title = "The protocol does not accept these options"
            raise ProblemError(422, "bad_options", title, errors=errors) from error
        await tx.store.save_link_client(client)
        if (changed := await tx.store.find_provider(provider_id)) is not None:
            tx.publish(provider_changed(changed))  # test devices make it a test provider
    return show_client(client)


@router.post("/customers/{customer_id}/links", status_code=201)
async def begin_linking(customer_id: str, body: LinkBody, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    """Start to link a device: returns the URL of the provider's consent page, which redirects to the callback.

    Each request starts a new attempt; earlier ones stay valid until they expire.
    """
    require_customer(principal, customer_id)
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(64)
    digest = _hash_state(state)
    async with kit.transaction() as tx:
        client = await tx.store.find_link_client(body.provider_id)
        provider = await tx.store.find_provider(body.provider_id)
        if client is None or provider is None or not provider.active:
            raise ProblemError(
                404,
                "not_linkable",
                "This provider has no account linking",
                field="provider_id",
                problem=f"{body.provider_id} does not exist, is not active, or has no link client",
                remedy="GET /v1/providers lists the providers; an operator sets PUT /v1/providers/{id}/link-client",
            )
        if not await tx.store.lock_device_of_customer(customer_id, body.device_id):
            raise ProblemError(
                404,
                "no_such_device",
                "The customer has no such device",
                field="device_id",
                problem=f"the customer has no registered device {body.device_id}",
                remedy="register the device first; a new registration takes a moment to take effect",
            )
        sealed = seal(sealing_keys(kit), verifier, digest.hex())
        settings = settings_of(kit)
        redirect_uri = (settings.public_url or settings.order_dispatch_url).rstrip("/") + CALLBACK_PATH
        attempt = Attempt(customer_id, body.device_id, body.provider_id, sealed, redirect_uri)
        expires_at = await tx.store.add_attempt(digest, attempt, tx.store.settings.link_attempt_minutes)
    extras = get_linking(provider).authorize_extras(client.options, body.device_id)
    return {"authorize_url": _authorize_url(client, attempt, state, verifier, extras), "expires_at": expires_at}


@router.get("/links/callback")
async def finish_linking(
    kit: KitDep,
    state: Annotated[str, Query(max_length=200)],
    code: CallbackParameter = None,
    error: CallbackParameter = None,
) -> Response:
    """Redirect URI of the provider: exchanges the code for the tokens of a new link. Each state is accepted once."""
    digest = _hash_state(state)
    async with kit.transaction() as tx:
        attempt: Attempt | None = await tx.store.redeem_attempt(digest)
        client = None if attempt is None else await tx.store.find_link_client(attempt.provider_id)
    if attempt is None or client is None:
        raise ProblemError(
            400,
            "attempt_expired",
            "This link request was used already or has expired",
            detail="Start linking again.",
            field="query.state",
            problem="the state is unknown, was used already or has expired",
            remedy="start again with POST /v1/customers/{customer_id}/links",
        )
    if code is None or error is not None:
        return _redirect(kit, 403, {"linked": False, "provider_id": attempt.provider_id, "reason": "refused"})
    grant = await _exchange_code(kit, client, attempt, code, digest)
    async with kit.transaction() as tx:
        created = await create_link(str(uuid4()), attempt, grant, sealing_keys(kit), tx.store)
        tx.publish(*created.events)
    if created.link is None:
        reason = "the device was removed"
        return _redirect(kit, 409, {"linked": False, "provider_id": attempt.provider_id, "reason": reason})
    return _redirect(kit, 200, {"linked": True, **show_link(created.link)})


@router.get("/customers/{customer_id}/links")
async def list_links(customer_id: str, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    """List a customer's links, the latest first, with the provider's subscription of each slot."""
    require_customer(principal, customer_id)
    async with kit.read() as store:
        rows = await store.list_links(customer_id)
    return {"links": [dict(row) for row in rows]}


@router.delete("/customers/{customer_id}/links/{link_id}", status_code=202)
async def end_linking(customer_id: str, link_id: str, kit: KitDep, principal: PrincipalDep) -> dict[str, str]:
    """End a link. It is not used any more from now on; its tokens are deleted when the provider has revoked them."""
    require_customer(principal, customer_id)
    async with kit.transaction() as tx:
        link = await tx.store.lock_link(link_id)
        if link is None or link.customer_id != customer_id:
            title, remedy = "There is no such link", "GET /v1/customers/{customer_id}/links lists the customer's links"
            raise ProblemError.of_missing("no_such_link", title, "link of this customer with the id", "link_id", remedy)
        if link.state == "active":
            tx.publish(*await end_link(link, "ended by the customer", tx.store))
    return {"link_id": link_id, "state": "ending" if link.state == "active" else link.state}


async def _exchange_code(kit: Kit, client: LinkClient, attempt: Attempt, code: str, digest: bytes) -> TokenGrant:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": attempt.redirect_uri,
        "code_verifier": open_secret(kit, attempt.verifier_sealed, digest.hex()),
    }
    try:
        return await request_token(kit, client, form)
    except TokenNotGrantedError as error:
        detail = f"The provider answered: {error}"
        raise ProblemError(
            403,
            "not_granted",
            "The provider refused the link",
            detail=detail,
            field="query.code",
            problem=f"the provider did not exchange the code for tokens: {error}",
            remedy="start linking again and give your consent on the provider's page",
        ) from error
    except RetryLaterError as error:
        detail = f"{error}. Start linking again."
        raise ProblemError(
            502,
            "provider_unavailable",
            "The provider is not available",
            detail=detail,
            problem=str(error),
            remedy="start linking again in a few minutes; the code of this attempt is used up",
        ) from error


def _authorize_url(client: LinkClient, attempt: Attempt, state: str, verifier: str, extras: dict[str, str]) -> str:
    """Build the URL of the consent page (RFC 6749 section 4.1.1, RFC 7636 section 4.3)."""
    challenge = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "client_id": client.client_id,
        "scope": client.scope,
        **extras,
        "response_type": "code",
        "redirect_uri": attempt.redirect_uri,
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    return f"{client.authorize_url}{'&' if '?' in client.authorize_url else '?'}{urlencode(query)}"


def _redirect(kit: Kit, status: int, body: dict[str, Any]) -> Response:
    """Redirect to the setting `link_return_url`; without it, return the result as JSON."""
    page = settings_of(kit).link_return_url
    if not page:
        return JSONResponse(body, status)
    query = {"linked": str(body["linked"]).lower(), "provider_id": body["provider_id"]}
    return RedirectResponse(f"{page}{'&' if '?' in page else '?'}{urlencode(query)}", 303)


def _hash_state(state: str) -> bytes:
    return hashlib.sha256(state.encode()).digest()
