"""Translation of ACP sessions and order snapshots to our order states."""

from dataclasses import replace

from libs.http_client.exchange import UnknownOutcomeError
from replenish_contracts.events import UpdateStatus
from services.order_dispatch.domain.order import Order
from services.order_dispatch.providers.acp.messages import Session, Snapshot, Total
from services.order_dispatch.providers.protocol import Answer

#: Final session states without an order.
CLOSED = ("canceled", "expired")
#: Session states in which the merchant has no result yet.
WORKING = ("complete_in_progress", "pending_approval")
#: Fulfillment states that count as shipped; unknown states count as accepted.
ON_THE_WAY = ("shipped", "in_transit", "out_for_delivery", "ready_for_pickup", "delivered")


def read_session(session: Session, order: Order) -> Answer:
    """Return the state of the session's order; NOT_FOUND if it has none.

    Raises UnknownOutcomeError if it must have one.
    """
    if session.order is not None:
        price, currency = total_of(session.totals), session.currency.upper()
        return replace(read_snapshot(session.order, order), price=price, currency=currency, reference=session.id)
    if session.status == "completed":
        raise UnknownOutcomeError("the checkout is completed but contains no order")
    if session.status == "pending_approval":
        return Answer(UpdateStatus.RESOLVING, reason="the merchant is waiting for an approval", reference=session.id)
    if session.status in WORKING:
        return Answer(reference=session.id)
    return Answer(UpdateStatus.NOT_FOUND, reference=session.id)


def read_snapshot(snapshot: Snapshot, order: Order) -> Answer:
    """Return the furthest state that the whole order has reached; packs are converted to base steps."""
    lines = snapshot.line_items
    sent = sum(line.quantity.sent for line in lines)
    current = sum(line.quantity.wanted for line in lines)
    parcels = [parcel for parcel in snapshot.fulfillments if parcel.status not in ("failed", "canceled")]
    dates = [*(parcel.estimated_delivery for parcel in parcels), snapshot.estimated_delivery]
    status = _reached(snapshot, [parcel.status or "" for parcel in parcels], sent, current)
    is_shipped = status in (UpdateStatus.SHIPPED, UpdateStatus.DELIVERED)
    return Answer(
        status,
        expected_at=max((date.latest for date in dates if date and date.latest), default=None),
        quantity=sent * order.lines[0].pack_size if lines and is_shipped and sent else None,
        tracking=next((parcel.tracking_number for parcel in parcels if parcel.tracking_number), None),
        reference=snapshot.checkout_session_id,
    )


def _reached(snapshot: Snapshot, parcels: list[str], sent: int, current: int) -> UpdateStatus:
    """Without a fulfilled quantity a shipment counts as complete."""
    lines = snapshot.line_items
    is_complete = sent >= current or not sent
    if snapshot.status == "canceled" or (lines and current == 0 and sent == 0):
        return UpdateStatus.CANCELLED
    if snapshot.status in ("completed", "delivered") or (parcels and all(parcel == "delivered" for parcel in parcels)):
        return UpdateStatus.DELIVERED if is_complete else UpdateStatus.ACCEPTED
    shipped = [parcel in ON_THE_WAY for parcel in parcels]
    is_shipped = snapshot.status == "shipped" or (any(shipped) if sent else bool(parcels) and all(shipped))
    if is_shipped and is_complete:  # a partial shipment does not count: the quantity is booked once, when complete
        return UpdateStatus.SHIPPED
    return UpdateStatus.RESOLVING if snapshot.status == "manual_review" else UpdateStatus.ACCEPTED


def obstacle(session: Session, order: Order) -> str | None:
    """Return why the session cannot be completed at the agreed price, or None."""
    if session.status != "ready_for_payment":
        errors = [message.content or message.code or "" for message in session.messages if message.type == "error"]
        return "; ".join(errors) or f"the checkout is {session.status}"
    total = total_of(session.totals)
    if order.price is not None and total is not None and total > order.price:
        return f"the price is {total} instead of {order.price} {order.currency} (minor units)"
    if session.currency.lower() != (order.currency or "").lower():
        return f"the currency is {session.currency} instead of {order.currency}"
    return None


def total_of(totals: tuple[Total, ...]) -> int | None:
    return next((total.amount for total in totals if total.type == "total" and total.amount >= 0), None)
