"""Notifications of linked providers over Amazon SNS: verified, stored, and each applied once."""

from libs.kit import Effect, Tick
from services.order_dispatch.sns.confirming import confirm, on_confirmed
from services.order_dispatch.sns.door import router
from services.order_dispatch.sns.hearing import look_at, match_notifications, on_looked_at

EFFECTS = (
    Effect("sns", perform=look_at, settle=on_looked_at, reconcile=look_at),
    Effect("sns_confirm", perform=confirm, settle=on_confirmed, reconcile=confirm),
)
TICKS = (Tick(match_notifications, every_seconds=60),)

__all__ = ["EFFECTS", "TICKS", "router"]
