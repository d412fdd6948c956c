"""Random lives of orders of several lines: stock is exact, also if events are repeated or out of order."""

import asyncio
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as some

from replenish_contracts.events import StockAllocated, StockArrived, StockReleased, StockShort
from services.inventory.domain import AllocationState, Goods, LineKey, sum_by_goods
from tests.support import inventory_events as a
from tests.unit.inventory.memory import ACME_MILK, ACME_PODS, ACME_TEA, MemoryStore

RECEIVED = {ACME_PODS: 30, ACME_TEA: 12, ACME_MILK: 5}
quantities = some.integers(1, 8)
products = some.sampled_from([goods.product_id for goods in RECEIVED])


@some.composite
def orders(draw, number):
    """An order of 1 to 5 lines, and the events of its life in the order in which they happen."""
    about = {"order_id": f"o{number}", "customer_id": f"customer {number}"}
    lines = [(str(n), draw(products), draw(quantities)) for n in range(1, draw(some.integers(1, 5)) + 1)]
    events = [a.asked(*lines, **about)]
    for line_id, product, quantity in lines:
        first = draw(some.integers(0, quantity))
        for shipment, part in [("a", first), ("b", quantity - first)][: draw(some.integers(0, 2))]:
            line = (line_id, product, part)
            complete = draw(some.integers(0, 9)) == 0
            events.append(a.shipped(**a.about(line, shipment_id=f"{line_id}{shipment}", complete=complete, **about)))
        line = (line_id, product, draw(some.integers(0, quantity)))
        back = (line_id, product, draw(some.integers(0, line[2])))
        ends = [
            [a.delivered(**a.about(line, complete=False, **about))],
            [a.delivered(**a.about(line, complete=False, **about)), a.returned(**a.about(back, **about))],
            [a.delivered(**a.about(line, complete=False, **about)), a.claimed(back[2], **a.about(line, **about))],
            [a.lines_cancelled(line, **about)],
            [a.lines_refused(line, **about)],
            [a.shipped(**a.about(line, complete=False, **about))],
            [],
        ]
        events += draw(some.sampled_from(ends))
    end = draw(some.sampled_from([a.cancelled, a.failed, a.refused, None, None]))
    return [*events, *([end(**about)] if end else [])]


@some.composite
def batches(draw, *, reordered):
    """Batches of the events of four orders, some repeated, and out of order if `reordered`."""
    lives = [draw(orders(number)) for number in range(4)]
    told = []
    while any(lives):
        told.append(draw(some.sampled_from([life for life in lives if life])).pop(0))
    for again in draw(some.lists(some.sampled_from(told), max_size=8)):
        told.insert(draw(some.integers(told.index(again), len(told))), again)
    if reordered:
        told = draw(some.permutations(told))
    size = draw(some.integers(1, 6))
    return [told[first : first + size] for first in range(0, len(told), size)]


def check(store, said):
    """Raise AssertionError if the stock, its allocations and the consignments differ."""
    kept = sum_by_goods((one.goods, one.open_quantity) for one in store.allocations.values())
    for goods, received in RECEIVED.items():
        assert store.balance(goods, "allocated") == kept.get(goods, 0)
        left = store.balance(goods, "sold", "returned", "unexplained")
        assert store.balance(goods, "available", "allocated") + left == received
    for allocation in store.allocations.values():
        assert (allocation.open_quantity > 0) == (allocation.state is AllocationState.OPEN)
        line = LineKey(allocation.holder_id, allocation.line_id)
        assert allocation.shipped == (store.consignments[line][1].shipped if line in store.consignments else 0)
    in_transit = Counter()
    for goods, consignment in store.consignments.values():
        in_transit[goods] += consignment.shipped if consignment.journey == "in_transit" else 0
    assert all(store.balance(goods, "in_transit") == n for goods, n in in_transit.items())
    credited = Counter(line for line, _, movement in store.booked.values() if movement.reason == "delivered")
    arrivals = Counter((one.order_id, one.line_id) for one in said if isinstance(one, StockArrived))
    assert {*credited.values(), *arrivals.values()} <= {1}
    answers = Counter(one.order_id for one in said if isinstance(one, StockAllocated | StockShort))
    assert set(answers.values()) <= {1}


def live(told):
    """Return the store and the published events after these batches; the books are checked after each."""
    store = MemoryStore(RECEIVED)
    said = []

    async def hear():
        for batch in told:
            said.extend(await store.hear(*batch))
            check(store, said)

    asyncio.run(hear())
    return store, said


@settings(max_examples=60, deadline=None)
@given(batches(reordered=False))
def test_books_are_exact_in_order_and_with_repetitions(told):
    store, said = live(told)

    events = [event for batch in told for event in batch]
    requested = {event.order_id: event.lines for event in events if type(event).__name__ == "AllocationRequested"}
    for answer in said:
        if isinstance(answer, StockAllocated):
            assert answer.lines == requested[answer.order_id]
        elif isinstance(answer, StockShort):
            assert not [one for one in store.allocations.values() if one.holder_id == answer.order_id]
            for short in answer.shortages:
                lines = [one for one in requested[answer.order_id] if one.product_id == short.product_id]
                assert short.line_ids == tuple(line.line_id for line in lines)
                assert short.requested == sum(line.quantity for line in lines) > short.available


@settings(max_examples=60, deadline=None)
@given(batches(reordered=True))
def test_books_are_exact_out_of_order(told):
    live(told)


@settings(max_examples=60, deadline=None)
@given(batches(reordered=False), some.data())
def test_repeated_events_change_nothing(told, data):
    store, _ = live(told)
    before = dict(store.balances)
    events = [event for batch in told for event in batch]

    said = asyncio.run(store.hear(*data.draw(some.lists(some.sampled_from(events), max_size=10))))

    assert said == []
    assert store.balances == before


@settings(max_examples=40, deadline=None)
@given(orders(0))
def test_end_of_order_keeps_nothing_allocated(life):
    store, _ = live([[event] for event in life])

    asyncio.run(store.hear(a.cancelled(order_id="o0", customer_id="customer 0")))

    assert all(store.balance(goods, "allocated") == 0 for goods in RECEIVED)
    assert store.balance(Goods("customer 0", "pods"), "in_transit") == 0


def test_released_lines_are_those_that_did_not_leave():
    store = MemoryStore(RECEIVED)
    asyncio.run(store.hear(a.asked(("1", "pods", 8), ("2", "tea", 3))))

    said = asyncio.run(store.hear(a.shipped(**a.about(("1", "pods", 5), shipment_id="p1"))))

    assert [type(one) for one in said] == [StockReleased]
    assert [(one.line_id, one.quantity) for one in said[0].lines] == [("1", 3), ("2", 3)]
