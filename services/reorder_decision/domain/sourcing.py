"""Selects the provider: the chosen one, or an accepted alternative after an order ended without delivery."""

from collections.abc import Collection

from services.reorder_decision.domain.accounts import find_account_obstacle
from services.reorder_decision.domain.pool import Hold, Offer, Reason, Slot, Subscription
from services.reorder_decision.domain.scorecard import score_of


def choose_offer(
    slots: tuple[Slot, ...],
    subscription: Subscription | None,
    offer: Offer | None,
    rivals: tuple[Offer, ...],
    avoided: Collection[str],
) -> Offer | None:
    """Return the chosen provider's offer, or an alternative's if the chosen provider is in `avoided`.

    Of the alternatives that can deliver and are not avoided, the one with the best score is taken, then the one listed
    first. A provider is avoided only after its order has certainly ended.
    """
    if subscription is None or subscription.provider_id not in avoided or not slots:
        return offer
    candidates = [
        one
        for one in rivals
        if one.provider_id not in avoided
        and not (find_offer_obstacle(slots[0], subscription, one) or find_account_obstacle(slots, one.provider_id, one))
    ]
    ranks = {provider_id: rank for rank, provider_id in enumerate(subscription.alternatives)}
    return max(
        candidates, key=lambda one: (score_of(one.record), -ranks.get(one.provider_id, len(ranks))), default=offer
    )


def provider_of(subscription: Subscription, offer: Offer | None) -> str:
    """Return the offer's provider; offers in older receipts name none and belong to the chosen provider."""
    return offer.provider_id if offer and offer.provider_id else subscription.provider_id


def days_of_supply(subscription: Subscription | None, offer: Offer | None) -> float:
    """Return the days of supply to keep: the subscription's days, but at least the lead time.

    Days of 0 mean a fixed level only; the lead time is ignored then.
    """
    if subscription is None or not subscription.days or offer is None or offer.lead is None:
        return subscription.days if subscription else 0.0
    return max(subscription.days, offer.lead.days)


def find_offer_obstacle(slot: Slot, subscription: Subscription, offer: Offer | None) -> Hold | None:
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
    """Compare pack sizes of different scales: 1,000 g are 10,000 steps of a slot with scale 1."""
    offered_scale = slot.scale if offer.unit is None else offer.scale
    return bool(wanted * 10**offered_scale == offer.pack_size * 10**slot.scale)
