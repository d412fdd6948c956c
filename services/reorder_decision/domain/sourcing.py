"""Whom to order from: the provider the customer chose, or another one the customer accepts after a fenced end."""

from collections.abc import Collection

from services.reorder_decision.domain.pool import Hold, Offer, Reason, Slot, Subscription
from services.reorder_decision.domain.records import score_of


def choose(
    slots: tuple[Slot, ...],
    subscription: Subscription | None,
    offer: Offer | None,
    rivals: tuple[Offer, ...],
    avoided: Collection[str],
) -> Offer | None:
    """Return the offer to order by.

    It is the chosen provider's, unless an order of this need ended without goods there: then the best scored of the
    accepted ones that can deliver and have not failed as well. Nobody is avoided whose order may still come.
    """
    if subscription is None or subscription.provider_id not in avoided or not slots:
        return offer
    able = [one for one in rivals if one.provider_id not in avoided and not unorderable(slots[0], subscription, one)]
    order = {provider_id: place for place, provider_id in enumerate(subscription.alternatives)}
    return max(able, key=lambda one: (score_of(one.record), -order.get(one.provider_id, len(order))), default=offer)


def provider_of(subscription: Subscription, offer: Offer | None) -> str:
    """Return who is asked by the chosen offer; one that does not say whose it is, is of the customer's choice."""
    return offer.provider_id if offer and offer.provider_id else subscription.provider_id


def days_wanted(subscription: Subscription | None, offer: Offer | None) -> float:
    """Return for how many days goods must be there: the customer's days, and never less than the goods take.

    Who named only a level wants that level, whatever it takes.
    """
    if subscription is None or not subscription.days or offer is None or offer.lead is None:
        return subscription.days if subscription else 0.0
    return max(subscription.days, offer.lead.days)


def unorderable(slot: Slot, subscription: Subscription, offer: Offer | None) -> Hold | None:
    """Return what keeps a slot's product from being ordered by this offer."""
    if offer is None:
        return Hold(Reason.NO_OFFER, "OfferChanged")
    if not offer.provider_active:
        return Hold(Reason.PROVIDER_INACTIVE, "ProviderChanged")
    if not offer.available:
        return Hold(Reason.OFFER_UNAVAILABLE, "OfferChanged")
    if offer.unit not in {None, slot.unit}:
        return Hold(Reason.PACK_UNIT_DIFFERS, "OfferChanged")
    if not _is_same_pack(slot, subscription.pack_size, offer):
        return Hold(Reason.PACK_SIZE_DIFFERS, "SubscriptionChanged")
    return None


def _is_same_pack(slot: Slot, wanted: int, offer: Offer) -> bool:
    """Tell whether as much is in it: 1000 g are 10,000 steps of a slot that counts tenths."""
    offered_scale = slot.scale if offer.unit is None else offer.scale
    return bool(wanted * 10**offered_scale == offer.pack_size * 10**slot.scale)
