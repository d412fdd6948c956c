"""Translation of notifications about orders to OrderUpdated, with quantities in base steps."""

from replenish_contracts.events import OrderUpdated, UpdateStatus
from replenish_contracts.units import InvalidAmountError, parse_quantity
from services.order_dispatch.domain import Order
from services.order_dispatch.sns.messages import Kind, Notification

#: Limit of our order ids; DRS instance ids of up to 255 characters are cut to it.
LONGEST_ORDER_ID = 200
#: Notification types mapped to our statuses.
STATUSES = {
    Kind.PLACED: UpdateStatus.ACCEPTED,
    Kind.SHIPPED: UpdateStatus.SHIPPED,
    Kind.CANCELLED: UpdateStatus.CANCELLED,
}


def update_of(notification: Notification, order: Order, update_id: str) -> OrderUpdated:
    """Build the update for this order; an ambiguous quantity is omitted and explained in `reason`."""
    quantity, problem = quantity_of(notification, order)
    shipped = notification.kind is Kind.SHIPPED
    reason = "cancelled at the provider" if notification.kind is Kind.CANCELLED else problem
    return OrderUpdated(
        provider_id=order.provider_id,
        update_id=update_id,
        order_id=order.order_id,
        status=STATUSES[notification.kind],
        occurred_at=notification.sent_at,
        expected_at=notification.expected_at,
        quantity=quantity if shipped else None,
        reason=reason,
    )


def unmatched_update(notification: Notification, provider_id: str, update_id: str) -> OrderUpdated:
    """Build the update for an order that was not placed by us; its instance id serves as order id."""
    return OrderUpdated(
        provider_id=provider_id,
        update_id=update_id,
        order_id=(notification.instance_id or "unnamed")[:LONGEST_ORDER_ID],
        status=STATUSES[notification.kind],
        occurred_at=notification.sent_at,
        expected_at=notification.expected_at,
        reason="ordered directly at the provider",
    )


def quantity_of(notification: Notification, order: Order) -> tuple[int | None, str | None]:
    """Return the total in base steps of the order's slot, or None with the reason."""
    steps = 0
    for item in notification.items:
        if item.quantity is None or item.unit is None:
            return None, "a quantity or unit is missing"
        try:
            steps += parse_quantity(item.quantity, item.unit, base=order.unit, scale=order.scale)
        except InvalidAmountError as error:
            return None, f"{item.quantity} {item.unit}: {error.problem}"[:500]
    return (steps, None) if steps else (None, None)
