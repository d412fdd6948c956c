"""Notifications about orders in our own words: what was said of which order, and how much of it in which unit."""

from libs.contracts.events import OrderUpdated, UpdateStatus
from libs.units import RefusedAmount, parse_quantity
from services.order_dispatch.domain import Order
from services.order_dispatch.sns.messages import Kind, Notification

#: Of a provider's number, which may have 255 characters, as much as one of our ids has.
LONGEST_ORDER_ID = 200
#: DRS's words and ours.
STATUSES = {
    Kind.PLACED: UpdateStatus.ACCEPTED,
    Kind.SHIPPED: UpdateStatus.SHIPPED,
    Kind.CANCELLED: UpdateStatus.CANCELLED,
}


def update_of(notification: Notification, order: Order, update_id: str) -> OrderUpdated:
    """Return what a notification says about this order; a quantity that is not clear is left out, with the reason."""
    quantity, unclear = quantity_of(notification, order)
    shipped = notification.kind is Kind.SHIPPED
    reason = "cancelled at the provider" if notification.kind is Kind.CANCELLED else unclear
    return OrderUpdated(
        provider_id=order.provider_id,
        update_id=update_id,
        order_id=order.order_id,
        status=STATUSES[notification.kind],
        at=notification.sent_at,
        expected_at=notification.expected_at,
        quantity=quantity if shipped else None,
        reason=reason,
    )


def unmatched_update(notification: Notification, provider_id: str, update_id: str) -> OrderUpdated:
    """Return what a notification says about an order of which nobody here knows."""
    return OrderUpdated(
        provider_id=provider_id,
        update_id=update_id,
        order_id=(notification.instance_id or "unnamed")[:LONGEST_ORDER_ID],
        status=STATUSES[notification.kind],
        at=notification.sent_at,
        expected_at=notification.expected_at,
        reason="placed at the provider without us",
    )


def quantity_of(notification: Notification, order: Order) -> tuple[int | None, str | None]:
    """Return how much there is in base steps of the order's slot, or why that cannot be told."""
    steps = 0
    for item in notification.items:
        if item.quantity is None or item.unit is None:
            return None, "a quantity or unit is missing"
        try:
            steps += parse_quantity(item.quantity, item.unit, base=order.unit, scale=order.scale)
        except RefusedAmount as error:
            return None, f"{item.quantity} {item.unit}: {error.problem}"[:500]
    return (steps, None) if steps else (None, None)
