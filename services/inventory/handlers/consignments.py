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
    LineKey,
    Movement,
    Step,
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
#: Of lines in these states, shipped goods are in transit.
TO_ARRIVE = (Journey.ORDERED, Journey.CANCELLED, Journey.IN_TRANSIT)


async def on_order_shipped(event: OrderShipped, steps: Sequence[Step], transit: Transit, store: Store) -> list[Event]:
    movements: Movements = []
    for step in steps:
        if step.before.journey not in TO_ARRIVE:
            continue
        goods = Goods(event.customer_id, step.product_id)
        if step.left or step.before.journey is not Journey.IN_TRANSIT:
            transit.save(step.line, goods, replace(step.after, journey=Journey.IN_TRANSIT))
        movements.append((goods, ship(step.left), _origin(f"shipped {step.after.shipped}", step.line, event)))
    await _book(event.customer_id, movements, store)
    return []


async def on_lines_ended(
    event: OrderLinesCancelled | OrderLinesRefused, steps: Sequence[Step], transit: Transit, store: Store
) -> list[Event]:
    """Send back what is in transit of these lines; a line of which nothing left gets no allocation any more."""
    for step in steps:
        if step.before.journey is Journey.ORDERED:
            goods = Goods(event.customer_id, step.product_id)
            transit.save(step.line, goods, replace(step.after, journey=Journey.CANCELLED))
    await _send_back([step.line.line_id for step in steps], event, transit, store)
    return []


async def on_order_ended(
    event: OrderCancelled | OrderFailed | OrderRefused, _steps: Sequence[Step], transit: Transit, store: Store
) -> list[Event]:
    """Send back what is in transit, of all lines of the order."""
    await _send_back(list(transit.of_order(event.order_id)), event, transit, store)
    return []


async def on_order_delivered(
    event: OrderDelivered, steps: Sequence[Step], transit: Transit, store: Store
) -> list[Event]:
    """Credit the goods once per line. A test order credits 0 and publishes StockArrived like any other."""
    due = [step for step in steps if step.before.journey is not Journey.DELIVERED]
    if not due:
        return []
    goods_of = {step.line: Goods(event.customer_id, step.product_id) for step in due}
    shelves = await store.lock_stock(event.customer_id, {step.product_id for step in due})
    early_days = timedelta(days=store.settings.early_loading_days)
    unexplained = await store.list_unexplained_loads(list(shelves), event.occurred_at - early_days)
    is_erased = await store.is_erased(event.customer_id)
    movements: Movements = []
    events: list[Event] = []
    for step in due:
        goods = goods_of[step.line]
        movements.append((goods, deliver(step.before, step.quantity), _origin("delivered", step.line, event)))
        transit.save(step.line, goods, replace(step.after, journey=Journey.DELIVERED))
        shelves[goods] += step.quantity
        events.append(_stock_arrived(event, step, shelves[goods]))
        early = offset_early_load(unexplained[goods], step.quantity)
        movement, cause = (move_out(shelves[goods]), CountCause.MOVED_OUT) if is_erased else (early, CountCause.SETTLED)
        if change := movement.shelf_change:
            origin = _origin(cause, step.line, event)
            movements.append((goods, movement, origin))
            unexplained[goods] += change
            shelves[goods] += change
            events.append(stock_counted(goods, shelves[goods], change, cause, origin))
    await store.book_lines(movements)
    store.resolve_dependency(f"arrived:{event.order_id}")
    return events


async def on_order_returned(
    event: OrderReturned, steps: Sequence[Step], _transit: Transit, store: Store
) -> list[Event]:
    """Take goods returned to the provider off the shelf, once per line."""
    events: list[Event] = []
    for step in steps:
        goods = Goods(event.customer_id, step.product_id)
        shelf = await store.lock_shelf(goods)
        movement = take_back(step.quantity, shelf)
        origin = _origin("went back", step.line, event)
        if await store.book(goods, movement, origin) and (change := movement.shelf_change):
            events.append(stock_counted(goods, shelf + change, change, CountCause.RETURNED, origin))
    return events


async def on_claim_raised(event: ClaimRaised, steps: Sequence[Step], _transit: Transit, store: Store) -> list[Event]:
    """Take credited goods that the customer reports as missing off the shelf, once per line."""
    step = steps[0]
    goods = Goods(event.customer_id, step.product_id)
    shelf = await store.lock_shelf(goods)
    movement = write_off_missing(await store.get_credited(step.line), event.received, shelf)
    origin = _origin("missing", step.line, event)
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


def _stock_arrived(event: OrderDelivered, step: Step, shelf: int) -> StockArrived:
    return StockArrived(
        owner_id=event.customer_id,
        product_id=step.product_id,
        order_id=event.order_id,
        line_id=step.line.line_id,
        quantity=step.quantity,
        shelf=shelf,
        occurred_at=event.occurred_at,
    )
