"""Payments: one payment service, one file; the module's name is its name.

Whoever moves orders calls `begin`, `capture`, `void` and `refund`, and registers in `hooks`. The folders hold
what all services share: `domain` decides, `store` remembers, `acting` asks and settles, `api` answers.
"""

from libs.kit import PeriodicJob
from replenish_contracts.events import (
    PaymentAuthorized,
    PaymentCaptured,
    PaymentFailed,
    PaymentRefunded,
    PaymentVoided,
)
from services.order_dispatch.payments.acting import (
    TASKS,
    begin,
    capture,
    hooks,
    look_after_payments,
    refund,
    service,
    services,
    void,
)
from services.order_dispatch.payments.domain import Ask, Declined, PaymentService, Receipt, Status
from services.order_dispatch.payments.store import PaymentStore

PUBLISHES = (PaymentAuthorized, PaymentCaptured, PaymentFailed, PaymentVoided, PaymentRefunded)
JOBS = (PeriodicJob(look_after_payments, every_seconds=600),)

__all__ = [
    "JOBS",
    "PUBLISHES",
    "TASKS",
    "Ask",
    "Declined",
    "PaymentService",
    "PaymentStore",
    "Receipt",
    "Status",
    "begin",
    "capture",
    "hooks",
    "refund",
    "service",
    "services",
    "void",
]
