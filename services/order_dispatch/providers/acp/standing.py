"""From a session or an order snapshot of ACP to what we say about an order."""

from dataclasses import replace

from libs.contracts.events import UpdateStatus
from services.order_dispatch.domain import Order
from services.order_dispatch.outward import Unknown
from services.order_dispatch.providers import Answer
from services.order_dispatch.providers.acp.wording import Session, Snapshot, Total

#: A session's states that no order comes out of any more.
CLOSED = ("canceled", "expired")
#: States in which the merchant is at work: there is nothing to say yet.
WORKING = ("complete_in_progress", "pending_approval")
#: An order's words for being on its way; unknown words say no more than that it is accepted.
ON_THE_WAY = ("shipped", "in_transit", "out_for_delivery", "ready_for_pickup", "delivered")


def standing(session: Session, order: Order) -> Answer:
    """Return what a session says about the order: its own order, or that there is none."""
    if session.order is not None:
        price, currency = total_of(session.totals), session.currency.upper()
        return replace(snapshot_says(session.order, order), price=price, currency=currency, reference=session.id)
    if session.status == "completed":
        raise Unknown("the checkout is completed and shows no order")
    if session.status == "pending_approval":
        return Answer(UpdateStatus.RESOLVING, reason="the merchant waits for an approval", reference=session.id)
    if session.status in WORKING:
        return Answer(reference=session.id)
    return Answer(UpdateStatus.NOT_FOUND, reference=session.id)


def snapshot_says(snapshot: Snapshot, order: Order) -> Answer:
    """Return the furthest stop a whole order has reached; packs become base steps."""
    lines = snapshot.line_items
    left = sum(each.quantity.left for each in lines)
    current = sum(each.quantity.wanted for each in lines)
    parcels = [parcel for parcel in snapshot.fulfillments if parcel.status not in ("failed", "canceled")]
    dates = [*(parcel.estimated_delivery for parcel in parcels), snapshot.estimated_delivery]
    status = _reached(snapshot, [parcel.status or "" for parcel in parcels], left, current)
    gone = status in (UpdateStatus.SHIPPED, UpdateStatus.DELIVERED)
    return Answer(
        status,
        expected_at=max((date.latest for date in dates if date and date.latest), default=None),
        quantity=left * order.pack_size if lines and gone and left else None,
        tracking=next((parcel.tracking_number for parcel in parcels if parcel.tracking_number), None),
        reference=snapshot.checkout_session_id,
    )


def _reached(snapshot: Snapshot, parcels: list[str], left: int, current: int) -> UpdateStatus:
    """Return the furthest stop; a merchant that counts nothing that left means all of it."""
    lines = snapshot.line_items
    whole = left >= current or not left
    if snapshot.status == "canceled" or (lines and current == 0 and left == 0):
        return UpdateStatus.CANCELLED
    if snapshot.status in ("completed", "delivered") or (parcels and all(each == "delivered" for each in parcels)):
        return UpdateStatus.DELIVERED if whole else UpdateStatus.ACCEPTED
    on_their_way = [each in ON_THE_WAY for each in parcels]
    on_its_way = snapshot.status == "shipped" or (any(on_their_way) if left else bool(parcels) and all(on_their_way))
    if on_its_way and whole:  # the rest of a part comes later: the goods count once, when all have left
        return UpdateStatus.SHIPPED
    return UpdateStatus.RESOLVING if snapshot.status == "manual_review" else UpdateStatus.ACCEPTED


def obstacle(session: Session, order: Order) -> str | None:
    """Return why this session cannot be completed as the customer agreed."""
    if session.status != "ready_for_payment":
        said = [message.content or message.code or "" for message in session.messages if message.type == "error"]
        return "; ".join(said) or f"the checkout is {session.status}"
    total = total_of(session.totals)
    if order.price is not None and total is not None and total > order.price:
        return f"it would cost {total} and not {order.price} {order.currency} (minor units)"
    if session.currency.lower() != (order.currency or "").lower():
        return f"it would cost {session.currency} and not {order.currency}"
    return None


def total_of(totals: tuple[Total, ...]) -> int | None:
    return next((total.amount for total in totals if total.type == "total" and total.amount >= 0), None)
