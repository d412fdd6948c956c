"""Ten lines of an order cost as many SQL statements as one."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from tests.support import inventory_events as a

LOCKS = ["_list_allocations", "_lock_available", "lock_consignments"]
SOLD = ["take_from_lots", "book_all", "_save_allocations", "save_consignments"]


@pytest.fixture(params=[1, 10], ids=["one line", "ten lines"])
async def order(request, ledger):
    """An order whose goods are known: its ledger, its lines, and a context that lists the executed statements."""
    lines = [(str(n), f"product {n % 7}", 4) for n in range(request.param)]
    for _, product, _ in lines:
        await ledger.receive(100, product)
    await ledger.store.lock_stock("ann", {product for _, product, _ in lines})
    return ledger, lines, statements_of(ledger.store.connection)


def statements_of(connection):
    @asynccontextmanager
    async def listening():
        executed = []

        def note(logged):
            if logged.query.startswith("-- "):
                executed.append(logged.query.split("\n")[0].removeprefix("-- "))

        with connection.query_logger(note):
            yield executed
            await asyncio.sleep(0)  # the logger is called in the next iteration of the event loop

    return listening


async def test_statements_do_not_depend_on_number_of_lines(order):
    ledger, lines, listening = order

    async with listening() as requested:
        await ledger.hear(a.asked(*lines))
    async with listening() as shipped:
        part = [(line_id, product, 3) for line_id, product, _ in lines]
        await ledger.hear(a.shipped(**a.about(*part, shipment_id="p1", complete=False)))
    async with listening() as delivered:
        await ledger.hear(a.delivered(**a.about(*part, complete=False)))

    assert requested == [*LOCKS, "list_settled_orders", "book_all", "_save_allocations"]
    assert shipped == [*LOCKS, "_lock_known_stock", "book_lines", *SOLD]
    assert delivered == [
        *LOCKS,
        *("_lock_known_stock", "list_unexplained_loads", "is_erased", "book_lines"),
        *("book_all", "_save_allocations", "save_consignments"),
    ]
