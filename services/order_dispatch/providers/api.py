"""HTTP API of providers, their offers and secrets."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Path
from pydantic import Field, StringConstraints

from libs.kit import Kit
from libs.kit.http.auth import Principal
from libs.kit.http.dependencies import KitDep, PrincipalDep, require
from libs.kit.http.problems import ProblemError
from replenish_contracts.catalogue import NO_NUL
from replenish_contracts.events import OfferChanged, ProviderChanged
from replenish_contracts.topics import PROVIDER_ID
from services.order_dispatch.domain.provider import RESOLUTION_HOURS, Offer, Provider
from services.order_dispatch.payments.services import PAYMENT_SERVICES
from services.order_dispatch.providers.prices import check_price, check_prices
from services.order_dispatch.providers.registry import (
    PROTOCOLS,
    get_protocol,
    max_lines,
    read_max_lines,
    secret_scheme,
)
from services.order_dispatch.providers.secrets import UnusableSecretsError, check_secrets, open_secrets, seal_secrets
from services.order_dispatch.providers.shapes import Body, OfferBody, Short, read_offer, show_offer
from services.order_dispatch.sealing import UnsealError
from services.order_dispatch.settings import settings_of

BAD_URL, EXAMPLE_URL = "The URL is not valid", "send a URL such as https://shop.example/orders"
#: At most a year; a longer time is taken for a mistake.
Hours = Annotated[float, Field(ge=0, le=24 * 366, allow_inf_nan=False)]
Url = Annotated[str, Field(min_length=1, max_length=2000, pattern=NO_NUL)]


class ProviderBody(Body):
    """A provider and how orders reach it."""

    name: Short
    protocol: Short
    #: Days from order to delivery, used if the provider reports no date.
    lead_time_days: Annotated[float, Field(gt=0, le=400, allow_inf_nan=False)] | None = None
    active: bool = True
    #: The payment service that charges customers; null if the provider bills them itself.
    payment: Short | None = None
    #: Base URL of the provider's server, for protocols that call it.
    url: Url | None = None
    #: Settings of the protocol. Not for secrets: it is shown to operators and to the provider.
    account: Annotated[dict[str, Any], Field(default_factory=dict)]
    #: Hours an order waits before it is submitted; null for the setting `cancel_window_hours`.
    cancel_window_hours: Hours | None = None
    #: Hours in which the customer may change an order, which waits at least as long; null: until it is submitted.
    modify_window_hours: Hours | None = None
    #: Hours that the customer has to resolve a problem before the order is cancelled.
    resolution_hours: Annotated[Hours, Field(gt=0)] = RESOLUTION_HOURS
    #: Whether the provider may send a substitute for the ordered product.
    allows_substitutes: bool = False
    #: All orders are test orders: nothing is charged or shipped.
    test: bool = False


def parse_provider(provider_id: str, body: ProviderBody, *, plain_allowed: bool) -> Provider:
    """Raises ProblemError 422 with the invalid field. `plain_allowed` permits http URLs, without TLS."""
    try:
        protocol = get_protocol(body.protocol)
    except LookupError as error:
        raise ProblemError.of_field(
            "unknown_protocol",
            "This protocol does not exist",
            "protocol",
            str(error),
            f"send one of {', '.join(sorted(PROTOCOLS))}",
        ) from error
    if body.payment is not None and body.payment not in PAYMENT_SERVICES:
        known = ", ".join(sorted(PAYMENT_SERVICES))
        problem = f"there is no payment service {body.payment}; known: {known}"
        remedy = f"send one of {known}, or null if the provider charges its customers itself"
        raise _invalid("unknown_payment", "This payment service does not exist", "payment", problem, remedy)
    if body.url is None and protocol.needs_url:
        remedy = "send the base URL of the provider's server, for example https://shop.example/orders"
        problem = f"the protocol {body.protocol} calls the provider's server"
        raise _invalid("url_required", "This protocol needs a URL", "url", problem, remedy)
    if body.url is not None:
        _check_url(body.url, plain_allowed=plain_allowed)
    try:
        read_max_lines(body.account)
        if protocol.check_account is not None:
            protocol.check_account(body.account)
    except ValueError as error:
        title = "The account is not valid for this protocol"
        remedy = f"correct this setting; docs/providers/{body.protocol}.md lists those of the protocol"
        raise _invalid("bad_account", title, "account", str(error), remedy) from error
    return Provider(provider_id=provider_id, **dict(body))


def show_terms(provider: Provider) -> dict[str, Any]:
    return {
        "provider_id": provider.provider_id,
        "name": provider.name,
        "protocol": provider.protocol,
        "active": provider.active,
        "lead_time_days": provider.lead_time_days,
        "cancel_window_hours": provider.cancel_window_hours,
        "modify_window_hours": provider.modify_window_hours,
        "resolution_hours": provider.resolution_hours,
        "allows_substitutes": provider.allows_substitutes,
        "test": provider.test,
        # What the protocol can express about the single lines of an order.
        "lines": asdict(get_protocol(provider.protocol).lines) | {"max_lines": max_lines(provider)},
        "topics": [topic.name for topic in get_protocol(provider.protocol).topics(provider.provider_id)],
    }


def show_connection(provider: Provider) -> dict[str, Any]:
    return {"payment": provider.payment, "url": provider.url, "account": dict(provider.account)}


def _check_url(url: str, *, plain_allowed: bool) -> None:
    """Check the syntax only; the addresses of the host are checked at every call."""
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise _invalid("bad_url", BAD_URL, "url", "it is not a URL", EXAMPLE_URL) from None
    if parts.scheme != "https" and not (plain_allowed and parts.scheme == "http"):
        problem = f"its scheme is {parts.scheme[:20] or 'missing'}, which is not encrypted"
        raise _invalid("bad_url", BAD_URL, "url", problem, "send a URL that begins with https://")
    if not has_host or parts.username is not None or parts.password is not None or parts.fragment or parts.query:
        problem = "it has no host, or more than scheme, host and path"
        remedy = "send scheme, host and path only: no user, password, query or fragment"
        raise _invalid("bad_url", BAD_URL, "url", problem, remedy)


def _invalid(code: str, title: str, field: str, problem: str, remedy: str) -> ProblemError:
    return ProblemError(422, code, title, errors=[{"field": field, "problem": problem, "remedy": remedy}])


router = APIRouter(tags=["providers"])
ProviderId = Annotated[str, Path(pattern=f"^{PROVIDER_ID.pattern}$")]
ProductId = Annotated[str, Path(min_length=1, max_length=200, pattern=NO_NUL)]


@router.put("/providers/{provider_id}")
async def put_provider(
    provider_id: ProviderId, body: ProviderBody, kit: KitDep, principal: PrincipalDep
) -> dict[str, Any]:
    """Create or replace a provider and create the topics of its protocol. Idempotent.

    422 if its payment service cannot charge its offers or its fee, or its secrets cannot sign in the new scheme.
    """
    require(principal, "operator")
    plain_allowed = bool(settings_of(kit).allowed_private_networks)
    provider = parse_provider(provider_id, body, plain_allowed=plain_allowed)
    await kit.create_topics(get_protocol(provider.protocol).topics(provider_id))
    async with kit.transaction() as tx:
        # Offers and secrets are checked against the provider that they are entered for, under its lock.
        before = await tx.store.lock_provider(provider_id)
        if before is not None and secret_scheme(before) is not secret_scheme(provider):
            sealed = await tx.store.find_secrets(provider_id)
            with suppress(UnsealError):  # secrets that cannot be decrypted sign nothing
                _check_secrets(open_secrets(provider_id, sealed, settings_of(kit)), provider)
        check_prices(provider, await tx.store.list_offers_of(provider_id))
        await tx.store.save_provider(provider)
        tx.publish(provider_changed(provider))
    return show_provider(provider, [], principal)


@router.put("/providers/{provider_id}/offers/{product_id}")
async def put_offer(
    provider_id: ProviderId, product_id: ProductId, body: OfferBody, kit: KitDep, principal: PrincipalDep
) -> dict[str, Any]:
    """Set pack size and price of a product, as an operator or as the provider itself.

    422 if the provider's payment service cannot charge the price.
    """
    require_provider(principal, provider_id)
    offer = read_offer(provider_id, product_id, body)
    async with kit.transaction() as tx:
        provider = await tx.store.lock_provider(provider_id)
        if provider is None:
            raise no_such_provider()
        check_price(offer, provider)
        await tx.store.save_offer(offer)
        tx.publish(_offer_changed(offer))
    return show_offer(offer)


@router.get("/providers")
async def list_providers(kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    require(principal, "operator", "service", "customer", "provider")
    async with kit.read() as store:
        providers, offers = await store.list_providers(), await store.list_offers()
    return {
        "providers": [
            show_provider(provider, [offer for offer in offers if offer.provider_id == provider.provider_id], principal)
            for provider in providers
        ]
    }


@router.post("/offers/repeat", status_code=202)
async def repeat_offers(kit: KitDep, principal: PrincipalDep) -> dict[str, int]:
    """Publish all providers and offers again, for a service that starts with an empty database."""
    require(principal, "operator")
    async with kit.transaction() as tx:
        providers, offers = await tx.store.list_providers(), await tx.store.list_offers()
        tx.publish(*map(provider_changed, providers), *map(_offer_changed, offers))
    return {"providers": len(providers), "offers": len(offers)}


def require_provider(principal: Principal, provider_id: str) -> None:
    require(principal, "operator", "provider")
    if principal.role == "provider" and principal.provider_id != provider_id:
        raise ProblemError(
            403,
            "forbidden",
            "This belongs to another provider",
            field="path.provider_id",
            problem=f"the token is of {principal.provider_id}, the request is about {provider_id}",
            remedy=f"use a token of {provider_id} or of an operator",
        )


def no_such_provider() -> ProblemError:
    title, remedy = (
        "There is no such provider",
        "PUT /v1/providers/{provider_id} creates it; GET /v1/providers lists all",
    )
    return ProblemError.of_missing("no_such_provider", title, "provider", "provider_id", remedy)


def show_provider(provider: Provider, offers: list[Offer], principal: Principal) -> dict[str, Any]:
    shown = show_terms(provider) | {"offers": [show_offer(offer) for offer in offers]}
    if principal.role == "operator" or principal.provider_id == provider.provider_id:
        shown |= show_connection(provider)
    return shown


def provider_changed(provider: Provider) -> ProviderChanged:
    return ProviderChanged(
        provider_id=provider.provider_id,
        name=provider.name,
        protocol=provider.protocol,
        active=provider.active,
        lead_time_days=provider.lead_time_days,
        test=provider.test,
        needs_link=get_protocol(provider.protocol).linking is not None,
    )


def _offer_changed(offer: Offer) -> OfferChanged:
    return OfferChanged(
        provider_id=offer.provider_id,
        product_id=offer.product_id,
        title=offer.title,
        pack_size=offer.pack_size,
        unit=offer.unit,
        scale=offer.scale,
        price=offer.price,
        currency=offer.currency,
        available=offer.available,
    )


SecretName = Annotated[str, StringConstraints(pattern="^[a-z][a-z_]{0,49}$")]
SecretValue = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=NO_NUL)]


class SecretsBody(Body):
    """All secrets of a provider by name; during rotation `callback_before` is the old value of `callback`."""

    secrets: Annotated[dict[SecretName, SecretValue], Field(max_length=20)]


@router.put("/providers/{provider_id}/secrets", status_code=204)
async def put_secrets(provider_id: ProviderId, body: SecretsBody, kit: KitDep, principal: PrincipalDep) -> None:
    """Replace all secrets of a provider. 422 for one that cannot sign in the provider's scheme, or is too weak."""
    require(principal, "operator")
    async with kit.transaction() as tx:
        provider = await tx.store.lock_provider(provider_id)
        if provider is None:
            raise no_such_provider()
        _check_secrets(body.secrets, provider)
        await tx.store.save_secrets(provider_id, _seal(provider_id, body.secrets, kit))


def _check_secrets(secrets: Mapping[str, str], provider: Provider) -> None:
    try:
        check_secrets(secrets, secret_scheme(provider))
    except UnusableSecretsError as error:
        errors = [
            {"code": each.code, "field": f"secrets.{name}", "problem": each.problem, "remedy": each.remedy}
            for name, each in error.errors.items()
        ]
        title = "A secret cannot be used"
        raise ProblemError(422, "unusable_secret", title, detail=str(error), errors=errors) from error


def _seal(provider_id: str, secrets: Mapping[str, str], kit: Kit) -> bytes:
    try:
        return seal_secrets(provider_id, secrets, settings_of(kit))
    except UnsealError as error:
        raise ProblemError(
            503,
            "no_sealing_key",
            "Secrets cannot be stored",
            detail="Set SEALING_KEY of order_dispatch.",
            problem="the service has no key to seal secrets with",
            remedy="ask the operator to set SEALING_KEY of order_dispatch",
        ) from error
