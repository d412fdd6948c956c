"""Who is given what: never more than there is, all of an order or nothing of it, once."""

from datetime import UTC, datetime

from hypothesis import settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.inventory.domain import Goods, Place, Shortage, Source, Warehouse, lapse, sum_by_goods

NOON = Source("test", datetime(2026, 3, 1, 12, tzinfo=UTC))
PODS, TEA = Goods("acme", "pods"), Goods("acme", "tea")
PRODUCTS = (PODS, TEA, Goods("nile", "pods"))


class TestAllocate:
    def test_keeps_all_or_nothing_and_names_what_is_short(self):
        warehouse = Warehouse({PODS: 5, TEA: 5})

        short = warehouse.allocate("o1", {PODS: 6, TEA: 5}, NOON)

        assert short == [Shortage(PODS, 6, 5)]
        assert (warehouse.allocated_for("o1"), warehouse.bookings, warehouse.changed) == ({}, [], [])

    def test_knows_nothing_of_goods_it_did_not_lock(self):
        assert Warehouse({}).allocate("o1", {PODS: 1}, NOON) == [Shortage(PODS, 1, 0)]

    def test_twice_keeps_once(self):
        warehouse = Warehouse({PODS: 5})

        warehouse.allocate("o1", {PODS: 2}, NOON)
        warehouse.allocate("o1", {PODS: 2}, NOON)

        assert (warehouse.allocated_for("o1"), len(warehouse.bookings)) == ({PODS: 2}, 1)

    def test_again_after_a_release_is_booked_under_another_name(self):
        warehouse = Warehouse({PODS: 5})
        for _ in range(2):
            warehouse.allocate("o1", {PODS: 2}, NOON)
            warehouse.release("o1", NOON)

        assert len({booking.name for booking in warehouse.bookings}) == 4


def test_two_lines_of_one_product_are_one_wish():
    assert sum_by_goods([(PODS, 2), (TEA, 1), (PODS, 3), (TEA, 0)]) == {PODS: 5, TEA: 1}


orders = some.integers(0, 5).map(lambda n: f"o{n}")
products = some.sampled_from(PRODUCTS)
amounts = some.integers(0, 12)
wishes = some.lists(some.tuples(products, amounts), max_size=4)


class Books(RuleBasedStateMachine):
    """The warehouse beside the plainest model: what each order has, and what is left."""

    @initialize(stock=some.fixed_dictionaries({goods: some.integers(0, 25) for goods in PRODUCTS}))
    def open(self, stock):
        self.received = dict(stock)
        self.free = dict(stock)
        self.kept = {}
        self.gone = dict.fromkeys(PRODUCTS, 0)
        self.warehouse = Warehouse(stock)
        self.written = 0
        self.allocations = {}

    @rule(order=orders, wish=wishes)
    def allocate(self, order, wish):
        wanted = {goods: sum(n for one, n in wish if one == goods) for goods, _ in wish}
        wanted = {goods: n for goods, n in wanted.items() if n and goods not in self.kept.get(order, {})}

        short = self.warehouse.allocate(order, sum_by_goods(wish), NOON)

        assert {tuple(one) for one in short} == {(g, n, self.free[g]) for g, n in wanted.items() if n > self.free[g]}
        if not short:
            for goods, n in wanted.items():
                self.free[goods] -= n
                self.kept.setdefault(order, {})[goods] = n

    @rule(order=orders, lapses=some.booleans())
    def release(self, order, lapses):
        had = self.kept.pop(order, {})

        released = self.warehouse.release(order, NOON, lapse) if lapses else self.warehouse.release(order, NOON)

        assert released == had
        for goods, n in had.items():
            self.free[goods] += n

    @rule(order=orders, left=some.dictionaries(products, amounts))
    def ship(self, order, left):
        had = self.kept.pop(order, {})
        let_go = {goods for goods in left if goods not in had and self.was_let_go(order, goods)}

        released = self.warehouse.ship(order, left, NOON)

        # First what is shipped although nothing is kept for it any more, then the rest, in the order it was kept.
        for goods in [*(goods for goods in left if goods in let_go), *had]:
            sold, kept = left.get(goods, had.get(goods)), had.get(goods, 0)
            more = min(max(sold - kept, 0), self.free[goods])
            self.free[goods] += max(kept - sold, 0) - more
            self.gone[goods] += min(sold, kept) + more
        assert released == {goods: n - left[goods] for goods, n in had.items() if left.get(goods, n) < n}

    @rule()
    def write_and_open_again(self):
        """What was decided is all that the next batch needs to know."""
        self.allocations |= {(one.holder_id, one.goods): one for one in self.warehouse.changed}
        self.warehouse = Warehouse(dict(self.free), self.allocations.values())

    def was_let_go(self, order, goods):
        known = self.allocations | {(one.holder_id, one.goods): one for one in self.warehouse.changed}
        return (order, goods) in known and known[order, goods].state == "released"

    @invariant()
    def every_booking_sums_to_zero(self):
        for booking in self.warehouse.bookings:
            assert sum(entry.quantity for entry in booking.movement.entries) == 0

    @invariant()
    def total_is_available_and_allocated(self):
        for goods in PRODUCTS:
            kept = sum(lines.get(goods, 0) for lines in self.kept.values())
            assert self.free[goods] >= 0
            assert self.received[goods] == self.free[goods] + kept + self.gone[goods]

    @invariant()
    def each_order_has_what_was_kept_for_it(self):
        for order in {f"o{n}" for n in range(6)}:
            assert self.warehouse.allocated_for(order) == self.kept.get(order, {})


class Ledger(Books):
    """The same, with every booking replayed: no place may ever go below zero."""

    @initialize()
    def start(self):
        self.balances, self.read, self.names = {}, 0, set()

    @invariant()
    def replayed_bookings_are_the_stock(self):
        if not hasattr(self, "balances") or not hasattr(self, "received"):
            return
        if self.read > len(self.warehouse.bookings):
            self.read = 0
        for booking in self.warehouse.bookings[self.read :]:
            assert booking.name not in self.names
            self.names.add(booking.name)
            for entry in booking.movement.entries:
                place = (booking.goods, entry.place)
                self.balances[place] = self.balances.get(place, 0) + entry.quantity
                if entry.place is Place.AVAILABLE:
                    assert self.received[booking.goods] + self.balances[place] >= 0
                elif entry.place is Place.ALLOCATED:
                    assert self.balances[place] >= 0
        self.read = len(self.warehouse.bookings)
        for goods in PRODUCTS:
            kept = sum(lines.get(goods, 0) for lines in self.kept.values())
            assert self.received[goods] + self.balances.get((goods, Place.AVAILABLE), 0) == self.free[goods]
            assert self.balances.get((goods, Place.ALLOCATED), 0) == kept

    @rule()
    def write_and_open_again(self):
        self.replayed_bookings_are_the_stock()
        super().write_and_open_again()
        self.read = 0


TestBooks = Ledger.TestCase
TestBooks.settings = settings(max_examples=200, stateful_step_count=30)
