"""Whether a linked provider takes an order for a slot: links, and slots that the customer paused at the provider."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from services.reorder_decision.domain.pool import Hold, Offer, Reason, Slot

#: Holds that end when the provider reports a change of the customer's account there.
AT_PROVIDER = frozenset({Reason.PAUSED_AT_PROVIDER, Reason.LINK_ENDED, Reason.NOT_LINKED})
WAKE_UPS = {
    Reason.PAUSED_AT_PROVIDER: "ProviderSubscriptionChanged",
    Reason.LINK_ENDED: "LinkCreated",
    Reason.NOT_LINKED: "LinkCreated",
}


class Block(NamedTuple):
    """Why a provider takes no order for a slot, and since when, if that is known."""

    reason: Reason
    since: datetime | None = None


def find_block(slot: Slot, provider_id: str, offer: Offer | None) -> Block | None:
    """Return why the provider takes no order for the slot; None if it may."""
    link = slot.find_link(provider_id)
    if link is None:
        return Block(Reason.NOT_LINKED) if offer is not None and offer.needs_link else None
    if not link.active:
        return Block(Reason.LINK_ENDED, link.changed_at)
    return Block(Reason.PAUSED_AT_PROVIDER, link.subscribed_at) if link.subscribed is False else None


def find_block_of_all(slots: Sequence[Slot], provider_id: str, offer: Offer | None) -> Block | None:
    """Return why no slot can be ordered for, as of the latest change; None if one can.

    A pause comes first: it is the state that the customer can end without linking a device.
    """
    blocks = [find_block(slot, provider_id, offer) for slot in slots]
    found = [block for block in blocks if block is not None]
    if not found or len(found) < len(blocks):
        return None
    reason = next(reason for reason in WAKE_UPS if reason in {block.reason for block in found})
    times = [block.since for block in found if block.reason is reason and block.since is not None]
    return Block(reason, max(times, default=None))


def find_account_obstacle(slots: Sequence[Slot], provider_id: str, offer: Offer | None) -> Hold | None:
    block = find_block_of_all(slots, provider_id, offer)
    return None if block is None else Hold(block.reason, WAKE_UPS[block.reason])


def products_at(slots: Sequence[Slot], provider_id: str) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return the products that the customer chose at the provider, by slot."""
    links = ((slot.place, slot.find_link(provider_id)) for slot in slots)
    return {place: link.items for place, link in links if link is not None and link.active and link.items}
