"""Shipment and delivery: the events, the capture at shipment and the claim for missing goods."""

from dataclasses import replace
from datetime import datetime

from replenish_contracts.events import ClaimRaised, Evidence, OrderDelivered, OrderShipped
from services.order_dispatch.domain.money import capture_shipment, overpayment
from services.order_dispatch.domain.order import Decision
from services.order_dispatch.domain.states import State


def record_shipment(decision: Decision, at: datetime) -> Decision:
    order = decision.order
    shipped = OrderShipped(
        **order.fields(at), quantity=order.expected_quantity, expected_at=order.expected_at, tracking=order.tracking
    )
    return capture_shipment(decision.publish(shipped))


def record_delivery(
    decision: Decision, evidence: Evidence, at: datetime, because: str, *, delivered_at: datetime | None = None
) -> Decision:
    """Deliver a shipped order; missing goods raise a claim and are refunded.

    `delivered_at` is the time that the provider reported, `at` the default.
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
    if order.test or order.expected_quantity >= order.quantity:
        return decision
    return decision.publish(ClaimRaised(**order.fields(at), ordered=order.quantity, received=order.expected_quantity))
