"""Shipment and delivery of lines: the events, the capture of what left and the claims for missing goods."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from replenish_contracts.events import ClaimRaised, Evidence, OrderDelivered, OrderShipped
from services.order_dispatch.domain.lines import LineState, OrderLine
from services.order_dispatch.domain.money import capture_shipments, overpayment, refund_line
from services.order_dispatch.domain.order import Decision, Order, Shipment


def record_shipment(  # noqa: PLR0913  # what left, and the parcel
    decision: Decision,
    quantities: Mapping[str, int],
    at: datetime,
    because: str,
    *,
    remaining: Mapping[str, int] = MappingProxyType({}),
    shipment_id: str | None = None,
    tracking: str | None = None,
) -> Decision:
    """Record that a quantity of each line left in one parcel, and how much of it is to leave later.

    `quantities` and `remaining` map line ids to base steps. A test order ships a quantity of 0. A parcel with a part
    of a line gets an id even if the provider named none, so that events distinguish several parcels.
    """
    order = decision.order
    has_part = any(remaining.values()) or any(line.has_left for line in order.lines if line.line_id in quantities)
    if shipment_id is None and has_part:
        shipment_id = f"unnamed-{len(order.shipments) + 1}"
    left = {line_id: 0 if order.test else quantity for line_id, quantity in quantities.items()}
    changed = [
        replace(
            line.move_to(LineState.SHIPPED),
            shipped_quantity=(line.shipped_quantity or 0) + left[line.line_id],
            remaining_quantity=remaining.get(line.line_id, 0),
        )
        for line in order.lines
        if line.line_id in left
    ]
    decision = decision.change_lines(changed)
    if shipment_id is not None:
        decision = decision.change(shipments=_add_to_parcel(order, shipment_id, left, tracking))
    decision = decision.follow_lines(at, because)
    order = decision.order
    shipped = OrderShipped(
        **order.fields(at, [line.as_event_line(left[line.line_id]) for line in changed]),
        quantity=left[changed[0].line_id],
        shipment_id=shipment_id,
        complete=order.has_all_left,
        expected_at=order.expected_at,
        expected_date=order.expected_date,
        tracking=tracking,
        unclear_line_ids=_unclear_line_ids(changed),
    )
    return capture_shipments(decision.publish(shipped))


def _add_to_parcel(
    order: Order, shipment_id: str, quantities: Mapping[str, int], tracking: str | None
) -> tuple[Shipment, ...]:
    """Return the order's parcels with these quantities in the one with this id, which may be new."""
    known = order.find_shipment(shipment_id)
    if known is None:
        return (*order.shipments, Shipment(shipment_id, tuple(quantities.items()), tracking))
    parcel = replace(known, quantities=(*known.quantities, *quantities.items()), tracking=tracking or known.tracking)
    return tuple(parcel if other is known else other for other in order.shipments)


def record_delivery(
    decision: Decision,
    line_ids: Collection[str],
    evidence: Evidence,
    at: datetime,
    because: str,
    *,
    delivered_at: datetime | None = None,
) -> Decision:
    """Deliver lines of which all has left; missing goods raise a claim per line and are refunded.

    `delivered_at` is the time that the provider reported, `at` the default.
    """
    order = decision.order
    changed = [
        replace(
            line.move_to(_delivered_state(line, order)),
            delivered_at=delivered_at or at,
            evidence=evidence,
            arrived_quantity=line.shipped_or_ordered_quantity,
            cancellation=None,
        )
        for line in order.lines
        if line.line_id in line_ids
    ]
    decision = decision.change_lines(changed).follow_lines(at, because)
    order, first = decision.order, changed[0]
    delivered = OrderDelivered(
        **order.fields(at, [line.as_event_line(line.shipped_or_ordered_quantity) for line in changed]),
        complete=order.is_complete,
        device_id=first.device_id,
        slot=first.slot,
        quantity=first.shipped_or_ordered_quantity,
        evidence=evidence,
        delivered_at=(delivered_at or at) if evidence is Evidence.REPORTED else None,
        unclear_line_ids=_unclear_line_ids(changed),
        price=order.price,
        billed=order.billed if order.billed_currency == order.currency else None,
        currency=order.currency,
    )
    decision = decision.publish(delivered)
    for line in changed:
        decision = refund_line(decision, line.line_id, overpayment(line))
    return decision.publish(*claims(order, changed, at))


def _unclear_line_ids(lines: Sequence[OrderLine]) -> tuple[str, ...] | None:
    return tuple(line.line_id for line in lines if line.is_unclear) or None


def _delivered_state(line: OrderLine, order: Order) -> LineState:
    if not order.test and line.received_quantity < line.quantity:
        return LineState.SHORT
    return LineState.SUBSTITUTED if line.substitute is not None else LineState.DELIVERED


def claims(order: Order, lines: Sequence[OrderLine], at: datetime) -> list[ClaimRaised]:
    """Return a claim for each line of which less arrived than was ordered."""
    if order.test:
        return []
    return [
        ClaimRaised(
            **order.fields(at, [line.as_event_line(line.quantity - line.received_quantity)]),
            ordered=line.quantity,
            received=line.received_quantity,
        )
        for line in lines
        if line.received_quantity < line.quantity
    ]
