"""Ordering from the next provider at once, where the chosen one was asked in vain and the order was taken back."""

from collections.abc import Mapping
from dataclasses import replace

from libs.contracts.events import Mode
from services.reorder_decision.domain.deciding import Turn, When, conclude
from services.reorder_decision.domain.decision import Why
from services.reorder_decision.domain.policy import find_obstacle
from services.reorder_decision.domain.pool import Offer, Pool
from services.reorder_decision.domain.turns import ended


def gone_silent(pool: Pool, order_id: str, offers: Mapping[str, Offer], when: When) -> Turn:
    """Order once from the next provider of the same pack, the cheapest first; without one, back off as ever.

    Each failure since goods last arrived is one provider further down, so that none is asked twice in a row. The
    subscription stays with its provider. Whoever wants to be asked first is not ordered for elsewhere, and of several
    slots all would have to be asked for their levels before.
    """
    if pool.order is None or pool.order.order_id != order_id:
        return Turn(pool)
    chosen = pool.subscription
    if chosen is None or chosen.mode is not Mode.AUTO or len(pool.slots) != 1:
        return ended(pool, order_id, when, by_customer=False)
    others = sorted(
        (offer.price, provider_id)
        for provider_id, offer in offers.items()
        if provider_id != chosen.provider_id and _fits(pool, offer)
    )
    if pool.failures >= len(others):
        return ended(pool, order_id, when, by_customer=False)
    provider_id = others[pool.failures][1]
    stand_in = replace(
        pool,
        order=None,
        epoch=pool.epoch + 1,
        failures=pool.failures + 1,
        subscription=replace(chosen, provider_id=provider_id),
        offer=offers[provider_id],
    )
    turn = conclude(stand_in, Why.SILENCE, when)
    return replace(turn, pool=replace(turn.pool, subscription=chosen, offer=pool.offer))


def _fits(pool: Pool, offer: Offer) -> bool:
    same_money = pool.offer is None or offer.currency == pool.offer.currency
    return same_money and find_obstacle(pool.slots, pool.subscription, offer) is None
