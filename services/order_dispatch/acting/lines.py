"""Opens the line on which a provider's server is called."""

from libs.kit import Kit
from services.order_dispatch import outward
from services.order_dispatch.domain import Order, Provider
from services.order_dispatch.linking import linked_line
from services.order_dispatch.providers import Line, is_linked, opener


async def open_line(order: Order, provider: Provider, kit: Kit) -> Line:
    """Return the protocol's own line for this order, else the guarded one to the provider's url."""
    if is_linked(provider.protocol):
        return await linked_line(kit, provider.provider_id, order.device_id)
    own = opener(provider.protocol)
    return await (outward.open_line(provider, kit) if own is None else own(order, provider, kit))
