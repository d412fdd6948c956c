"""How a pool waits for being low: what is asked of consumption, and when the answers are enough."""

from libs.contracts.events import TriggerSet
from services.reorder_decision.domain.policy import weigh
from services.reorder_decision.domain.pool import EPOCH_IS_OPEN, Offer, Pool, Situation, Subscription, Trigger
from services.reorder_decision.domain.sourcing import choose, days_wanted

#: More than any slot holds: a level that is compared with it is below, and with it added above, any threshold.
#: It is also the most that an event can say.
BEYOND_ALL = 2**53


def trigger_for(pool: Pool, subscription: Subscription, offer: Offer | None) -> Trigger:
    """Return what to ask consumption about the pool's slots, so that it answers when the pool is low.

    One slot is watched there, by the rule itself. Several cannot be: none of them knows the others.
    They are followed, and before anything is ordered all are asked for their level, at once, after
    the shelf was read: goods may leave the shelf in our books before we hear that they are in a slot.
    """
    places = tuple(slot.place for slot in pool.slots)
    elsewhere = pool.shelf + pool.on_order
    if len(places) > 1:
        return Trigger(places, BEYOND_ALL, 0.0, elsewhere, 1)
    return Trigger(places, subscription.at_level, days_wanted(subscription, offer), elsewhere, subscription.reports)


def following(pool: Pool) -> Trigger:
    """Return what to ask of several slots that together hold enough: to tell every change, and nothing else."""
    return Trigger(tuple(slot.place for slot in pool.slots), 0, 0.0, BEYOND_ALL, 1)


def is_still_asked(pool: Pool, trigger: Trigger) -> bool:
    """Tell whether the open epoch asks the right question already."""
    if pool.situation not in EPOCH_IS_OPEN or pool.trigger is None:
        return False
    if pool.situation is Situation.FOLLOWED:
        return pool.trigger.places == trigger.places and not is_due(pool)
    return pool.trigger == trigger


def is_low(pool: Pool) -> bool:
    return weigh(pool.slots, pool.shelf, pool.on_order, pool.subscription, source_of(pool)).low


def source_of(pool: Pool) -> Offer | None:
    """Return the offer that the pool would be ordered by now."""
    return choose(pool.slots, pool.subscription, pool.offer, pool.rivals, pool.avoided)


def is_due(pool: Pool) -> bool:
    """Tell whether several slots together are low, for as many reports in a row as the customer wants."""
    reports = pool.subscription.reports if pool.subscription else 1
    return is_low(pool) and (reports == 1 or pool.low_reports >= reports)


def said_of(pool: Pool, trigger: Trigger) -> list[TriggerSet]:
    """Return the question of the pool's epoch as consumption hears it, once per slot."""
    several = len(pool.slots) > 1
    levels = sum(slot.level for slot in pool.slots)
    followed = pool.situation is Situation.FOLLOWED
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
            elsewhere=_sayable(trigger.elsewhere if followed else trigger.elsewhere + levels - slot.level),
            reports=trigger.reports,
            follow=several,
        )
        for slot in pool.slots
    ]


def _sayable(steps: int) -> int:
    return max(-BEYOND_ALL, min(steps, BEYOND_ALL))
