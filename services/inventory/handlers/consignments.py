"""The customer's side of orders: goods in transit, delivered to the shelf, returned or missing."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from replenish_contracts.catalogue import Event
from replenish_contracts.events import (
    ClaimRaised,
    CountCause,
    OrderCancelled,
    OrderDelivered,
    OrderFailed,
    OrderLinesCancelled,
    OrderLinesRefused,
    OrderRefused,
    OrderReturned,
    OrderShipped,
    StockArrived,
)
from replenish_contracts.events.orders import OrderFact
from services.inventory.domain import (
    Journey,
    LineChange,
    LineKey,
    Movement,
    Transit,
    deliver,
    move_out,
    offset_early_load,
    send_back,
    ship,
    take_back,
    write_off_missing,
)
from services.inventory.handlers.shelf import stock_counted
from services.inventory.store import Goods, Origin, Store

Movements = list[tuple[Goods, Movement, Origin]]
#: States in which reported shipments are booked as in transit; later ones are delivered or returned.
NOT_ARRIVED = (Journey.ORDERED, Journey.CANCELLED, Journey.IN_TRANSIT)


async def on_order_shipped(
    event: OrderShipped, changes: Sequence[LineChange], transit: Transit, store: Store
) -> list[Event]:
    movements: Movements = []
    for change in changes:
        if change.before.journey not in NOT_ARRIVED:
            continue
        goods = Goods(event.customer_id, change.product_id)
        if change.left or change.before.journey is not Journey.IN_TRANSIT:
            transit.save(change.line, goods, replace(change.after, journey=Journey.IN_TRANSIT))
        movements.append((goods, ship(change.left), _origin(f"shipped {change.after.shipped}", change.line, event)))
    await _book(event.customer_id, movements, store)
    return []


async def on_lines_ended(
    event: OrderLinesCancelled | OrderLinesRefused, changes: Sequence[LineChange], transit: Transit, store: Store
) -> list[Event]:
    """Send back what is in transit of these lines; a line of which nothing left gets no allocation any more."""
    for change in changes:
        if change.before.journey is Journey.ORDERED:
            goods = Goods(event.customer_id, change.product_id)
            transit.save(change.line, goods, replace(change.after, journey=Journey.CANCELLED))
    await _send_back([change.line.line_id for change in changes], event, transit, store)
    return []


async def on_order_ended(
    event: OrderCancelled | OrderFailed | OrderRefused, _changes: Sequence[LineChange], transit: Transit, store: Store
) -> list[Event]:
    """Send back what is in transit, of all lines of the order."""
    await _send_back(list(transit.of_order(event.order_id)), event, transit, store)
    return []


async def on_order_delivered(
    event: OrderDelivered, changes: Sequence[LineChange], transit: Transit, store: Store
) -> list[Event]:
    """Credit the goods once per line. A test order credits 0 and publishes StockArrived like any other."""
    due = [change for change in changes if change.before.journey is not Journey.DELIVERED]
    if not due:
        return []
    goods_of = {change.line: Goods(event.customer_id, change.product_id) for change in due}
    shelves = await store.lock_stock(event.customer_id, {change.product_id for change in due})
    early_days = timedelta(days=store.settings.early_loading_days)
    unexplained = await store.list_unexplained_loads(list(shelves), event.occurred_at - early_days)
    is_erased = await store.is_erased(event.customer_id)
    movements: Movements = []
    events: list[Event] = []
    for change in due:
        goods = goods_of[change.line]
        movements.append((goods, deliver(change.before, change.quantity), _origin("delivered", change.line, event)))
        transit.save(change.line, goods, replace(change.after, journey=Journey.DELIVERED))
        shelves[goods] += change.quantity
        events.append(_stock_arrived(event, change, shelves[goods]))
        early = offset_early_load(unexplained[goods], change.quantity)
        movement, cause = (move_out(shelves[goods]), CountCause.MOVED_OUT) if is_erased else (early, CountCause.SETTLED)
        if difference := movement.shelf_change:
            origin = _origin(cause, change.line, event)
            movements.append((goods, movement, origin))
            unexplained[goods] += difference
            shelves[goods] += difference
            events.append(stock_counted(goods, shelves[goods], difference, cause, origin))
    await store.book_lines(movements)
    store.resolve_dependency(f"arrived:{event.order_id}")
    return events


async def on_order_returned(
    event: OrderReturned, changes: Sequence[LineChange], _transit: Transit, store: Store
) -> list[Event]:
    """Take goods returned to the provider off the shelf, once per line."""
    events: list[Event] = []
    for change in changes:
        goods = Goods(event.customer_id, change.product_id)
        shelf = await store.lock_shelf(goods)
        movement = take_back(change.quantity, shelf)
        origin = _origin("went back", change.line, event)
        if await store.book(goods, movement, origin) and (difference := movement.shelf_change):
            events.append(stock_counted(goods, shelf + difference, difference, CountCause.RETURNED, origin))
    return events


async def on_claim_raised(
    event: ClaimRaised, changes: Sequence[LineChange], _transit: Transit, store: Store
) -> list[Event]:
    """Take credited goods that the customer reports as missing off the shelf, once per line."""
    change = changes[0]
    goods = Goods(event.customer_id, change.product_id)
    shelf = await store.lock_shelf(goods)
    movement = write_off_missing(await store.get_credited(change.line), event.received, shelf)
    origin = _origin("missing", change.line, event)
    if not await store.book(goods, movement, origin):
        return []
    return [stock_counted(goods, shelf + movement.shelf_change, movement.shelf_change, CountCause.COUNTED, origin)]


async def _send_back(line_ids: Sequence[str], event: OrderFact, transit: Transit, store: Store) -> None:
    movements: Movements = []
    known = transit.of_order(event.order_id)
    for line_id in line_ids:
        goods, consignment = known.get(line_id, (None, None))
        if goods is None or consignment is None or consignment.journey is not Journey.IN_TRANSIT:
            continue
        line = LineKey(event.order_id, line_id)
        movements.append((goods, send_back(consignment), _origin("returned", line, event)))
        transit.save(line, goods, replace(consignment, journey=Journey.RETURNED))
    await _book(event.customer_id, movements, store)


async def _book(customer_id: str, movements: Movements, store: Store) -> None:
    if moving := [one for one in movements if one[1].entries]:
        await store.lock_stock(customer_id, {goods.product_id for goods, _, _ in moving})
        await store.book_lines(moving)


def _origin(name: str, line: LineKey, event: OrderFact) -> Origin:
    return Origin("\0".join((name, *line)), type(event).__name__, event.occurred_at, line.order_id, line.line_id)


def _stock_arrived(event: OrderDelivered, change: LineChange, shelf: int) -> StockArrived:
    return StockArrived(
        owner_id=event.customer_id,
        product_id=change.product_id,
        order_id=event.order_id,
        line_id=change.line.line_id,
        quantity=change.quantity,
        shelf=shelf,
        is_unclear=change.line.line_id in (event.unclear_line_ids or ()) or None,
        occurred_at=event.occurred_at,
    )
