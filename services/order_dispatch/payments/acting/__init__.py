"""What is done about money: what orders ask for, what payment services are asked, and time."""

from services.order_dispatch.payments.acting.commands import begin, capture, refund, void
from services.order_dispatch.payments.acting.effects import TASKS
from services.order_dispatch.payments.acting.hooks import hooks
from services.order_dispatch.payments.acting.registry import service, services
from services.order_dispatch.payments.acting.upkeep import look_after_payments

__all__ = [
    "TASKS",
    "begin",
    "capture",
    "hooks",
    "look_after_payments",
    "refund",
    "service",
    "services",
    "void",
]
