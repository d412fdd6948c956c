"""A counterpart of payments: it writes down what orders ask of it, and nothing else."""

from contextlib import contextmanager

from services.order_dispatch.acting import till


class BookTill:
    """Takes no money; `book` has (order, what, amount) in the order asked."""

    def __init__(self):
        self.book = []

    def services(self):
        return frozenset({"book"})

    async def begin(self, order, store):
        self.book.append((order.order_id, "begin", order.price))
        return []

    async def capture(self, order, amount, store):
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
def book_till():
    """Let orders be paid here, and as before afterwards."""
    before = list(till._TILLS)
    opened = BookTill()
    till.use_till(opened)
    try:
        yield opened
    finally:
        till._TILLS[:] = before
