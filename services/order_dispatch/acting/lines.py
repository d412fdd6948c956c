"""Opens the line on which a provider's server is called."""

from libs.kit import Kit, Refuse
from services.order_dispatch.domain import Order, Provider
from services.order_dispatch.providers import Line, opener


async def open_line(order: Order, provider: Provider, kit: Kit) -> Line:
    """Return the protocol's own line for this order; raises Refuse where it has none."""
    own = opener(provider.protocol)
    if own is None:
        raise Refuse(f"{provider.provider_id} cannot be called")
    return await own(order, provider, kit)
