"""What is not ordered because the customer is away."""

from datetime import datetime, timedelta

from services.reorder_decision.domain.pool import TIME, Hold, Holiday, Reason

#: Until they leave, people may use more than they did: what was not needed before is looked at again.
LOOK_AGAIN_DAYS = 1.0


def away(holiday: Holiday | None, now: datetime, lead_days: float, lasts_days: float | None) -> Hold | None:
    """Return the hold where an order of now would arrive, or be needed, only while the customer is away.

    - What arrives after the return is ordered, in time to be there then.
    - What arrives before is ordered if it runs out before they leave, or lasts beyond the return anyway.
    - The rest waits: while there is still time to be served before they leave it is looked at again each day,
      then once more so early that the goods come with the return.
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
    return Hold(Reason.AWAY, TIME, min(now + timedelta(days=LOOK_AGAIN_DAYS), holiday.starts_at - lead))
