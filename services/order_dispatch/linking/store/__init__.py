"""SQL of links, their tokens and slots."""

from services.order_dispatch.linking.store.links import Links
from services.order_dispatch.linking.store.slots import LinkSlots
from services.order_dispatch.providers.store import ProviderStore

__all__ = ["LinkStore"]


class LinkStore(Links, LinkSlots, ProviderStore):
    """SQL of links and of the providers that they use."""
