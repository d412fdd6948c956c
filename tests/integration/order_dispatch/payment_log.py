"""Records the payment requests of orders, without a payment service."""

from contextlib import contextmanager

import pytest

from services.order_dispatch.payments import commands
from services.order_dispatch.providers import api


class PaymentLog:
    """`book` has (order, step, amount) in the order of the requests."""

    def __init__(self):
        self.book = []

    async def authorize(self, order, store):
        self.book.append((order.order_id, "begin", order.price))
        return []

    async def capture(self, order, amount, store, *, final=True):
        self.book.append((order.order_id, "capture", amount))
        return []

    async def void(self, order, store):
        self.book.append((order.order_id, "void", 0))
        return []

    async def refund(self, order, amount, store):
        self.book.append((order.order_id, "refund", amount))
        return []

    def about(self, order_id):
        return [(what, amount) for about, what, amount in self.book if about == order_id]


@contextmanager
def payment_log():
    """Replace the commands of payments by a log, and let providers name only the payment service `book`."""
    log = PaymentLog()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("authorize", "capture", "void", "refund"):
            patch.setattr(commands, name, getattr(log, name))
        patch.setattr(api, "PAYMENT_SERVICES", {"book": None})
        yield log
