"""The store of inventory in memory, for property tests of the batch handler of orders."""

from types import SimpleNamespace

from libs.kit import Record
from services.inventory.domain import Goods, Transit, Warehouse
from services.inventory.handlers import on_orders
from services.inventory.store.warehouses import transaction_id
from tests.support import inventory_events as a

ON_HAND = ("available", "allocated", "shelf", "in_transit", "returned")


class MemoryStore:
    """Refuses what the database refuses: a negative balance of goods at hand, and a second booking of one name."""

    def __init__(self, stock):
        self.now, self.cause = a.NOON, None
        self.settings = SimpleNamespace(early_loading_days=3)
        self.allocations, self.consignments, self.settled = {}, {}, {}
        self.balances, self.booked, self.stock = {}, {}, set()
        for goods, quantity in stock.items():
            self.stock.add(goods)
            self.balances[goods, "available"] = quantity

    def balance(self, goods, *places):
        return sum(self.balances.get((goods, place), 0) for place in places)

    async def lock_warehouse(self, holders, wanted):
        kept = [one for one in self.allocations.values() if one.holder_id in holders]
        goods = {*wanted, *(one.goods for one in kept)} & self.stock
        return Warehouse({one: self.balance(one, "available") for one in goods}, kept)

    async def lock_consignments(self, orders):
        return Transit({line: found for line, found in self.consignments.items() if line.order_id in orders})

    async def list_settled_orders(self, orders):
        return orders & self.settled.keys()

    async def save_warehouse(self, warehouse):
        for one in warehouse.bookings:
            assert self._book(transaction_id(one.name), one.goods, one.movement, (one.holder_id, one.line_id))
        self.allocations |= {(one.holder_id, one.line_id, one.goods): one for one in warehouse.changed}
        lines = [(holder, line) for holder, line, _ in self.allocations if line]
        assert len(lines) == len(set(lines))

    async def save_settled_orders(self, outcomes):
        self.settled |= outcomes

    async def save_consignments(self, transit):
        self.consignments |= transit.changed

    async def list_restocks(self, goods):
        return {}

    async def lock_stock(self, owner_id, product_ids):
        goods = {Goods(owner_id, product) for product in product_ids}
        self.stock |= goods
        return {one: self.balance(one, "shelf") for one in goods}

    async def lock_shelf(self, goods):
        return (await self.lock_stock(goods.owner_id, {goods.product_id}))[goods]

    async def book(self, goods, movement, origin):
        return origin.name in await self.book_lines([(goods, movement, origin)])

    async def book_lines(self, movements):
        return {
            origin.name
            for goods, movement, origin in movements
            if movement.entries and self._book(origin.name, goods, movement, (origin.order_id, origin.line_id))
        }

    def _book(self, name, goods, movement, line):
        assert sum(entry.quantity for entry in movement.entries) == 0
        if name in self.booked:
            return False
        self.booked[name] = (line, goods, movement)
        for entry in movement.entries:
            self.balances[goods, entry.place] = self.balance(goods, entry.place) + entry.quantity
            assert entry.place not in ON_HAND or self.balances[goods, entry.place] >= 0, (name, entry)
        return True

    async def list_unexplained_loads(self, goods, since):
        return dict.fromkeys(goods, 0)

    async def get_credited(self, line):
        return sum(
            movement.shelf_change
            for booked, _, movement in self.booked.values()
            if booked == line and movement.reason == "delivered"
        )

    async def is_erased(self, customer_id):
        return False

    def resolve_dependency(self, name):
        pass

    def all_caused_by(self, events, record):
        return events

    async def hear(self, *events):
        """Handle the events as one batch and return what is published."""
        return await on_orders([self._record(event) for event in events], self)

    @staticmethod
    def _record(event):
        name = type(event).__name__
        return Record(event, name, f"{name} of {event.order_id}", a.NOON, event.key, event.topic, 0, 0, b"")


ACME_PODS, ACME_TEA, ACME_MILK = (Goods("acme", product) for product in ("pods", "tea", "milk"))
