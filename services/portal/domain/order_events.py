"""Derives an order from its events.

The result depends on the set of events only: events that come twice, late or in another order lead to the same page.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from replenish_contracts.events import (
    CartPrepared,
    ClaimRaised,
    OrderCancelled,
    OrderDelivered,
    OrderDrafted,
    OrderFact,
    OrderFailed,
    OrderLinesCancelled,
    OrderLinesRefused,
    OrderModified,
    OrderPlaced,
    OrderRefused,
    OrderReturned,
    OrderShipped,
    OrderUnknown,
    ReorderApproved,
    lines_of,
)
from services.portal.domain.orders import ARRIVED, Line, LineState, Order, OrderState

OrderEvent = OrderFact | ReorderApproved
#: State before anything was shipped: the last of these that was reached.
_PHASES: dict[type[OrderEvent], OrderState] = {
    ReorderApproved: OrderState.DUE,
    OrderDrafted: OrderState.DRAFTED,
    OrderModified: OrderState.DRAFTED,
    CartPrepared: OrderState.YOURS,
    OrderUnknown: OrderState.UNKNOWN,
    OrderPlaced: OrderState.PLACED,
}
#: Events with the terms of the lines.
_TERMS = (ReorderApproved, OrderDrafted, OrderModified, CartPrepared, OrderPlaced)
_PHASE_ORDER = tuple(dict.fromkeys(_PHASES.values()))
#: Ends of the whole order, and the state of lines that have not arrived then.
_ENDS: dict[type[OrderEvent], tuple[OrderState, LineState]] = {
    OrderRefused: (OrderState.REFUSED, LineState.REFUSED),
    OrderCancelled: (OrderState.CANCELLED, LineState.CANCELLED),
    OrderFailed: (OrderState.FAILED, LineState.FAILED),
}
_LINE_ENDS: dict[type[OrderEvent], LineState] = {
    OrderLinesRefused: LineState.REFUSED,
    OrderLinesCancelled: LineState.CANCELLED,
}
#: All events of an order, in the order of its life: a later one replaces the terms of an earlier one.
ORDER_EVENTS: tuple[type[OrderEvent], ...] = (
    *_PHASES,
    *(*_LINE_ENDS, *_ENDS),
    *(OrderShipped, OrderDelivered, ClaimRaised, OrderReturned),
)


class _LineFact(NamedTuple):
    """An event and the fields that it has about one line."""

    event: OrderEvent
    #: The line, or the event itself if it is from before orders had lines.
    fields: Any


def is_end(event: OrderEvent) -> bool:
    """Return whether no line of the order is open after this event."""
    match event:
        case OrderDelivered() | OrderLinesRefused() | OrderLinesCancelled():
            return event.complete
    return type(event) in _ENDS


def occurred_at(event: OrderEvent) -> datetime:
    return event.decided_at if isinstance(event, ReorderApproved) else event.occurred_at


def read_order(events: Iterable[OrderEvent]) -> Order:
    """Derive the order from its events, of which there is at least one."""
    known = sorted(events, key=lambda event: (_rank(event), occurred_at(event), event.model_dump_json()))
    end = _last(known, *_ENDS)
    lines = tuple(_read_line(line_id, facts, end) for line_id, facts in _facts_by_line(known))
    state = _state_of(lines, known, end)
    priced = _all(known, OrderDrafted, OrderModified) or _all(known, OrderDelivered)
    shipments = _all(known, OrderShipped)
    promises = [event for event in _all(known, OrderPlaced, OrderShipped) if event.expected_at is not None]
    promise = promises[-1] if promises else None
    explained = end or (_last(known, OrderUnknown) if state is OrderState.UNKNOWN else None)
    changes = [occurred_at(event) for event in known if not isinstance(event, ClaimRaised)]
    return Order(
        order_id=known[0].order_id,
        provider_id=known[0].provider_id,
        state=state,
        lines=lines,
        price=_price_of_all(lines, priced),
        currency=_last_value(priced, "currency"),
        fee=_last_value(priced, "fee"),
        expected_at=None if promise is None else promise.expected_at,
        expected_date=None if promise is None else promise.expected_date,
        tracking=tuple(dict.fromkeys(event.tracking for event in shipments if event.tracking)),
        reason=_last_value([explained], "reason"),
        began_at=min(map(occurred_at, known)),
        changed_at=max(changes, default=occurred_at(known[-1])),
        own=bool(_all(known, CartPrepared)),
        is_test=any(getattr(event, "test", False) for event in known),
        is_all_shipped=any(event.complete for event in shipments),
    )


def _price_of_all(lines: Sequence[Line], priced: Sequence[OrderEvent]) -> int | None:
    """Return the agreed price of all lines; that of OrderModified is without the lines that ended before it."""
    event = next((event for event in reversed(priced) if getattr(event, "price", None) is not None), None)
    price: int | None = getattr(event, "price", None)
    if price is None or not isinstance(event, OrderModified):
        return price
    named = {line.line_id for line in lines_of(event)}
    return price + sum(line.price or 0 for line in lines if line.line_id not in named)


def _rank(event: OrderEvent) -> int:
    return ORDER_EVENTS.index(type(event))


def _state_of(lines: Sequence[Line], known: Sequence[OrderEvent], end: OrderEvent | None) -> OrderState:
    states = {line.state for line in lines}
    if any(line.is_open for line in lines):
        if states & {LineState.SHIPPED, LineState.RETURNED, *ARRIVED}:
            return OrderState.SHIPPED
        reached = {_PHASES[type(event)] for event in known if type(event) in _PHASES}
        return max(reached, key=_PHASE_ORDER.index, default=OrderState.DUE)
    if states & ARRIVED:
        return OrderState.DELIVERED
    if LineState.RETURNED in states:
        return OrderState.RETURNED
    if end is not None:
        return _ENDS[type(end)][0]
    return OrderState.REFUSED if states == {LineState.REFUSED} else OrderState.CANCELLED


def _facts_by_line(known: Sequence[OrderEvent]) -> Iterator[tuple[str, list[_LineFact]]]:
    """Yield each line's id and facts.

    An order may be split when it is drafted: lines that only ReorderApproved has are then those of another order.
    """
    facts: dict[str, list[_LineFact]] = {}
    for event in known:
        if isinstance(event, ReorderApproved):
            for approved in event.all_lines:
                facts.setdefault(approved.line_id, []).append(_LineFact(event, approved))
            continue
        for line in lines_of(event):
            facts.setdefault(line.line_id, []).append(_LineFact(event, line if event.lines else event))
    drafted = [
        line_id
        for line_id, line_facts in facts.items()
        if not all(isinstance(fact.event, ReorderApproved) for fact in line_facts)
    ]
    for line_id in sorted(drafted or facts, key=lambda line_id: (len(line_id), line_id)):
        yield line_id, facts[line_id]


def _read_line(line_id: str, facts: Sequence[_LineFact], end: OrderEvent | None) -> Line:
    terms = [fact.fields for fact in facts if type(fact.event) in _TERMS]
    quantity, packs = _last_value(terms, "quantity"), _last_value(terms, "packs")
    # The first report of a parcel counts, and so does the first delivery of a line.
    parcels = {
        fact.event.shipment_id or fact.event.occurred_at: fact.fields.quantity
        for fact in reversed(facts)
        if isinstance(fact.event, OrderShipped)
    }
    deliveries = [fact.fields.quantity for fact in facts if isinstance(fact.event, OrderDelivered)]
    moves = [fact.event for fact in facts if isinstance(fact.event, OrderShipped | OrderDelivered)]
    claims = [fact.event.received for fact in facts if isinstance(fact.event, ClaimRaised)]
    returns = [fact.fields.quantity for fact in facts if isinstance(fact.event, OrderReturned)]
    ended = [fact.event for fact in facts if type(fact.event) in _LINE_ENDS]
    line = Line(
        line_id=line_id,
        product_id=_last_value([fact.fields for fact in facts], "product_id") or "",
        state=LineState.ORDERED,
        quantity=quantity,
        unit=_last_value([fact.fields for fact in facts], "unit"),
        scale=_last_value([fact.fields for fact in facts], "scale") or 0,
        packs=packs,
        pack_size=_last_value(terms, "pack_size") or (quantity // packs if quantity is not None and packs else None),
        unit_price=_last_value(terms, "unit_price"),
        shipped=sum(parcels.values()),
        delivered=min([*deliveries[:1], *claims]) if deliveries else None,
        is_claimed=bool(claims),
        is_unclear=bool(moves) and line_id in (moves[-1].unclear_line_ids or ()),
        returned=returns[-1] if returns else None,
        substitute=_last_value([fact.fields for fact in facts], "substitute"),
        reason=_last_value(ended[:1], "reason"),
        receipt_id=_last_value(terms, "receipt_id"),
    )
    return replace(line, state=_line_state(line, facts, ended, end))


def _line_state(
    line: Line, facts: Sequence[_LineFact], ended: Sequence[OrderEvent], end: OrderEvent | None
) -> LineState:
    if line.returned is not None:
        return LineState.RETURNED
    if line.delivered is not None:
        is_test = any(getattr(fact.event, "test", False) for fact in facts)  # contains no goods
        is_short = line.quantity is not None and line.delivered < line.quantity
        if line.is_claimed or (is_short and not is_test):
            return LineState.SHORT
        return LineState.DELIVERED if line.substitute is None else LineState.SUBSTITUTED
    if ended:
        return _LINE_ENDS[type(ended[0])]
    if any(isinstance(fact.event, OrderShipped) for fact in facts):
        return LineState.SHIPPED
    return LineState.ORDERED if end is None else _ENDS[type(end)][1]


def _all(events: Iterable[Any], *types: type[OrderEvent]) -> list[Any]:
    return [event for event in events if isinstance(event, types)]


def _last(events: Sequence[OrderEvent], *types: type[OrderEvent]) -> OrderEvent | None:
    return next(iter(_all(reversed(events), *types)), None)


def _last_value(sources: Sequence[Any], name: str) -> Any:
    """Return the latest value of a field that not all of the sources have; None if none of them has it."""
    found = (getattr(source, name, None) for source in reversed(sources))
    return next((value for value in found if value is not None), None)
