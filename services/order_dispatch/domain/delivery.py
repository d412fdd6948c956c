"""What follows when goods leave and when they arrive."""

from dataclasses import replace
from datetime import datetime

from replenish_contracts.events import ClaimRaised, Evidence, OrderDelivered, OrderShipped
from services.order_dispatch.domain.money import capture_shipment, overpayment
from services.order_dispatch.domain.order import Decision
from services.order_dispatch.domain.states import State


def record_shipment(decision: Decision, at: datetime) -> Decision:
    """Say of a shipped order what left, and have its money taken."""
    order = decision.order
    shipped = OrderShipped(
        **order.fields(at), quantity=order.expected_quantity, expected_at=order.expected_at, tracking=order.tracking
    )
    return capture_shipment(decision.publish(shipped))


def record_delivery(
    decision: Decision, evidence: Evidence, at: datetime, because: str, *, delivered_at: datetime | None = None
) -> Decision:
    """Close a shipped order; `delivered_at` is the date the provider gave, if it gave one.

    Money that was taken for more than arrived goes back.
    """
    order = replace(decision.order, check_at=None, delivered_at=delivered_at or at, evidence=evidence)
    decision = replace(decision, order=order).move_to(State.DELIVERED, at, because)
    delivered = OrderDelivered(
        **order.fields(at),
        device_id=order.device_id,
        slot=order.slot,
        quantity=order.expected_quantity,
        evidence=evidence,
        delivered_at=order.delivered_at if evidence is Evidence.REPORTED else None,
        price=order.price,
        billed=order.billed if order.billed_currency == order.currency else None,
        currency=order.currency,
    )
    decision = decision.publish(delivered).add_refund(overpayment(order))
    short = not order.test and order.expected_quantity < order.quantity
    return (
        decision.publish(ClaimRaised(**order.fields(at), ordered=order.quantity, received=order.expected_quantity))
        if short
        else decision
    )
