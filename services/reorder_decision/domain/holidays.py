"""Holidays: delays orders that would arrive, or be needed, only while the customer is away."""

from datetime import datetime, timedelta

from services.reorder_decision.domain.pool import TIME, Hold, Holiday, Reason

#: Use may rise before the departure, so a pool is reassessed daily until then.
REASSESS_DAYS = 1.0


def holiday_hold(holiday: Holiday | None, now: datetime, lead_days: float, lasts_days: float | None) -> Hold | None:
    """Return a hold if an order placed now would arrive, or be needed, only while the customer is away.

    - An order that arrives after the return is placed.
    - An order that arrives before the departure is placed if the supply runs out before the departure, or lasts
      beyond the return.
    - Any other order waits: it is reassessed daily while it could still arrive before the departure, then one lead
      time before the return.
    """
    if holiday is None:
        return None
    lead = timedelta(days=lead_days)
    arrives = now + lead
    if arrives >= holiday.ends_at:
        return None
    if arrives >= holiday.starts_at:
        return Hold(Reason.AWAY, TIME, holiday.ends_at - lead)
    if lasts_days is None:
        return None
    left_days = (holiday.starts_at - now) / timedelta(days=1), (holiday.ends_at - now) / timedelta(days=1)
    if not left_days[0] <= lasts_days < left_days[1]:
        return None
    return Hold(Reason.AWAY, TIME, min(now + timedelta(days=REASSESS_DAYS), holiday.starts_at - lead))
