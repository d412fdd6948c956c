"""Providers and what they sell."""

from typing import Annotated, Any

from fastapi import APIRouter, Path

from libs.kit.http.auth import Principal
from libs.kit.http.dependencies import KitDep, PrincipalDep, require
from libs.kit.http.problems import ProblemError
from replenish_contracts.catalogue import NO_NUL
from replenish_contracts.events import OfferChanged, ProviderChanged
from replenish_contracts.topics import PROVIDER_ID
from services.order_dispatch.api.shapes import OfferBody, read_offer, show_offer
from services.order_dispatch.api.terms import ProviderBody, read_provider, show_connection, show_terms
from services.order_dispatch.domain import Offer, Provider
from services.order_dispatch.providers import topics_of

router = APIRouter(tags=["providers"])

ProviderId = Annotated[str, Path(pattern=f"^{PROVIDER_ID.pattern}$")]
ProductId = Annotated[str, Path(min_length=1, max_length=200, pattern=NO_NUL)]


@router.put("/providers/{provider_id}")
async def put_provider(
    provider_id: ProviderId, body: ProviderBody, kit: KitDep, principal: PrincipalDep
) -> dict[str, Any]:
    """Make a provider known, with everything its protocol needs; repeating it changes nothing."""
    require(principal, "operator")
    plain_allowed = bool(kit.settings.allowed_private_networks)  # type: ignore[attr-defined]  # this service's knob
    provider = read_provider(provider_id, body, plain_allowed=plain_allowed)
    await kit.create_topics(topics_of(provider.protocol, provider_id))
    async with kit.transaction() as tx:
        await tx.store.save_provider(provider)
        tx.publish(provider_changed(provider))
    return show_provider(provider, [], principal)


@router.put("/providers/{provider_id}/offers/{product_id}")
async def put_offer(
    provider_id: ProviderId, product_id: ProductId, body: OfferBody, kit: KitDep, principal: PrincipalDep
) -> dict[str, Any]:
    """Say what a provider sells a product for; operators and the provider itself may."""
    require_provider(principal, provider_id)
    offer = read_offer(provider_id, product_id, body)
    async with kit.transaction() as tx:
        if await tx.store.find_provider(provider_id) is None:
            raise ProblemError(404, "no_such_provider", "There is no such provider")
        await tx.store.save_offer(offer)
        tx.publish(_offer_changed(offer))
    return show_offer(offer)


@router.get("/providers")
async def list_providers(kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    """All providers with what they sell; anybody who is known may look."""
    require(principal, "operator", "service", "customer", "provider")
    async with kit.read() as store:
        providers, offers = await store.list_providers(), await store.list_offers()
    return {
        "providers": [
            show_provider(one, [o for o in offers if o.provider_id == one.provider_id], principal) for one in providers
        ]
    }


@router.post("/offers/repeat", status_code=202)
async def repeat_offers(kit: KitDep, principal: PrincipalDep) -> dict[str, int]:
    """Say every provider and offer again, for a service that starts afresh."""
    require(principal, "operator")
    async with kit.transaction() as tx:
        providers, offers = await tx.store.list_providers(), await tx.store.list_offers()
        tx.publish(*map(provider_changed, providers), *map(_offer_changed, offers))
    return {"providers": len(providers), "offers": len(offers)}


def require_provider(principal: Principal, provider_id: str) -> None:
    """Let operators and this provider pass."""
    require(principal, "operator", "provider")
    if principal.role == "provider" and principal.provider_id != provider_id:
        raise ProblemError(403, "forbidden", "This is another provider's")


def show_provider(provider: Provider, offers: list[Offer], principal: Principal) -> dict[str, Any]:
    shown = show_terms(provider) | {"offers": [show_offer(offer) for offer in offers]}
    near = principal.role == "operator" or principal.provider_id == provider.provider_id
    return shown | show_connection(provider) if near else shown


def provider_changed(provider: Provider) -> ProviderChanged:
    return ProviderChanged(
        provider_id=provider.provider_id,
        name=provider.name,
        protocol=provider.protocol,
        active=provider.active,
        lead_time_days=provider.lead_time_days,
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
