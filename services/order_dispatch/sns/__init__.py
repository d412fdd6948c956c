"""Notifications of linked providers over Amazon SNS: verified, stored, and each applied once."""

from libs.kit import PeriodicJob, TaskKind
from services.order_dispatch.sns.confirming import confirm, on_confirmed
from services.order_dispatch.sns.door import router
from services.order_dispatch.sns.hearing import look_at, match_notifications, on_looked_at

TASKS = (
    TaskKind("sns", perform=look_at, complete=on_looked_at, reconcile=look_at),
    TaskKind("sns_confirm", perform=confirm, complete=on_confirmed, reconcile=confirm),
)
JOBS = (PeriodicJob(match_notifications, every_seconds=60),)

__all__ = ["JOBS", "TASKS", "router"]
