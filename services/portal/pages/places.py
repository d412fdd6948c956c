"""Slots with their devices, and display names of products and providers."""

from typing import NamedTuple

from replenish_contracts.events import SlotSpec
from services.portal.domain import formatting
from services.portal.domain.board import CustomerView
from services.portal.domain.devices import Device


class Place(NamedTuple):
    """A slot and its device."""

    device: Device
    spec: SlotSpec


def title_of(product_id: str, view: CustomerView, places: list[Place]) -> str:
    """Return a product's title: from the chosen shop, any shop, the slot's name, or the product id, in this order."""
    chosen = [(sub.provider_id, product_id) for sub in view.subscriptions if sub.product_id == product_id]
    offered = [key for key in view.offers if key[1] == product_id]
    for key in (*chosen, *offered):
        if key in view.offers:
            return view.offers[key].title
    named = (place.spec.name for place in places if place.spec.product_id == product_id and place.spec.name)
    return next(named, formatting.title(product_id))


def provider_name(provider_id: str, view: CustomerView) -> str:
    return view.providers.get(provider_id, formatting.title(provider_id))


def measure(product_id: str, places: list[Place]) -> SlotSpec | None:
    """Return a slot of the product, which defines unit and scale; None without one."""
    return next((place.spec for place in places if place.spec.product_id == product_id), None)
