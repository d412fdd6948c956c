"""Triggers: the threshold that consumption watches for a pool, and when several slots together are low."""

from replenish_contracts.events import TriggerSet
from services.reorder_decision.domain.policy import compute_figures
from services.reorder_decision.domain.policy_decision import Figures
from services.reorder_decision.domain.pool import EPOCH_IS_OPEN, Offer, Pool, Situation, Subscription, Trigger
from services.reorder_decision.domain.sourcing import choose_offer, days_of_supply

#: Above any possible level and the limit of integers in events. As `at_level` it makes every level low;
#: as `shelf_and_on_order` it makes none low.
BEYOND_ALL = 2**53


def trigger_for(pool: Pool, subscription: Subscription, offer: Offer | None) -> Trigger:
    """Return the trigger to set in consumption, so that it reports when the pool is low.

    For one slot, consumption applies the rule itself. It cannot for several, because each slot is watched alone:
    they are summed here, and before an order all are requested to report their level at once, after the shelf was
    read, since stock may leave the shelf before the slot's refill event arrives.
    """
    places = tuple(slot.place for slot in pool.slots)
    shelf_and_on_order = pool.shelf + pool.on_order
    if len(places) > 1:
        return Trigger(places, BEYOND_ALL, 0.0, shelf_and_on_order, 1)
    return Trigger(
        places, subscription.at_level, days_of_supply(subscription, offer), shelf_and_on_order, subscription.reports
    )


def following_trigger(pool: Pool) -> Trigger:
    """Return the trigger for several slots that are not low: report every change, never cross."""
    return Trigger(tuple(slot.place for slot in pool.slots), 0, 0.0, BEYOND_ALL, 1)


def urgency_trigger(pool: Pool, lead_days: float) -> Trigger:
    """Return the trigger of a collecting pool: it crosses when the supply lasts no longer than the lead time."""
    if len(pool.slots) > 1:
        return following_trigger(pool)
    return Trigger(tuple(slot.place for slot in pool.slots), 0, lead_days, pool.shelf + pool.on_order, 1)


def is_still_set(pool: Pool, trigger: Trigger) -> bool:
    if pool.situation not in EPOCH_IS_OPEN or pool.situation is Situation.COLLECTING or pool.trigger is None:
        return False
    if pool.situation is Situation.FOLLOWED:
        return pool.trigger.places == trigger.places and not is_due(pool)
    return pool.trigger == trigger


def is_low(pool: Pool) -> bool:
    return figures_of(pool).low


def figures_of(pool: Pool) -> Figures:
    return compute_figures(pool.slots, pool.shelf, pool.on_order, pool.subscription, source_of(pool))


def source_of(pool: Pool) -> Offer | None:
    return choose_offer(pool.slots, pool.subscription, pool.offer, pool.rivals, pool.avoided)


def is_due(pool: Pool) -> bool:
    """Return whether several slots together are low in as many consecutive reports as the subscription requires."""
    reports = pool.subscription.reports if pool.subscription else 1
    return is_low(pool) and (reports == 1 or pool.low_reports >= reports)


def trigger_events(pool: Pool, trigger: Trigger) -> list[TriggerSet]:
    several = len(pool.slots) > 1
    levels = sum(slot.level for slot in pool.slots)
    followed = pool.situation in {Situation.FOLLOWED, Situation.COLLECTING}
    return [
        TriggerSet(
            customer_id=pool.customer_id,
            product_id=pool.product_id,
            pool_id=pool.pool_id,
            device_id=slot.device_id,
            slot=slot.slot,
            registration=pool.registrations.get(slot.device_id),
            epoch=pool.epoch,
            at_level=trigger.at_level,
            at_days=trigger.at_days,
            shelf_and_on_order=_clamp(
                trigger.shelf_and_on_order if followed else trigger.shelf_and_on_order + levels - slot.level
            ),
            reports=trigger.reports,
            follow=several,
        )
        for slot in pool.slots
    ]


def _clamp(steps: int) -> int:
    return max(-BEYOND_ALL, min(steps, BEYOND_ALL))
