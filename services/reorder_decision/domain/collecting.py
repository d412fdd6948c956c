"""A low pool waits to be ordered with other products of the same provider, unless it is urgent."""

from datetime import datetime, timedelta

from replenish_contracts.events import Mode
from services.reorder_decision.domain.policy_decision import Figures
from services.reorder_decision.domain.pool import TIME, Hold, Reason, Subscription


def collecting_hold(
    subscription: Subscription, figures: Figures, lead_days: float, occurred_at: datetime
) -> Hold | None:
    """Return a hold until the deadline; None if the pool is ordered at once.

    Only automatic orders are collected: an approval places its order at once.
    """
    if not subscription.collect_hours or subscription.mode is not Mode.AUTO:
        return None
    until = occurred_at + timedelta(hours=subscription.collect_hours)
    return None if is_urgent(figures, lead_days, until - occurred_at) else Hold(Reason.COLLECTING, TIME, until)


def is_urgent(figures: Figures, lead_days: float, remaining: timedelta) -> bool:
    """Return whether the supply runs out before goods arrive that are ordered in `remaining`.

    Without a known rate only an empty supply is urgent.
    """
    if figures.position <= 0:
        return True
    return figures.lasts_days is not None and figures.lasts_days < lead_days + remaining / timedelta(days=1)
