"""What moves in a provider's stock: in, kept for somebody, out, and back."""

from services.inventory.domain.goods import Action, Movement, Place, Reason, moved


def receive(quantity: int) -> Movement:
    return moved(Action.INCREMENT, Reason.RECEIVED, {Place.SUPPLIER: -quantity, Place.AVAILABLE: quantity})


def withdraw(quantity: int) -> Movement:
    return moved(Action.DECREMENT, Reason.WITHDRAWN, {Place.AVAILABLE: -quantity, Place.SUPPLIER: quantity})


def allocate(quantity: int) -> Movement:
    return moved(Action.ALLOCATE, Reason.ALLOCATED, {Place.AVAILABLE: -quantity, Place.ALLOCATED: quantity})


def release(quantity: int) -> Movement:
    """Let go of what was kept for somebody who no longer wants it."""
    return moved(Action.DEALLOCATE, Reason.RELEASED, {Place.ALLOCATED: -quantity, Place.AVAILABLE: quantity})


def lapse(quantity: int) -> Movement:
    """Let go of what was kept for somebody who did not pay in time."""
    return moved(Action.EXPIRE, Reason.LAPSED, {Place.ALLOCATED: -quantity, Place.AVAILABLE: quantity})


def sell(quantity: int, allocated: int, available: int) -> Movement:
    """Book goods that left: first those that were kept for the order, then what is for sale.

    What left beyond both was never in the books; it stays visible.
    """
    kept = min(quantity, allocated)
    more = min(quantity - kept, available)
    moves = {
        Place.ALLOCATED: -kept,
        Place.AVAILABLE: -more,
        Place.UNEXPLAINED: kept + more - quantity,
        Place.SOLD: quantity,
    }
    return moved(Action.SHIP, Reason.SOLD, moves)


def recount(difference: int) -> Movement:
    """Follow what somebody counted; the difference stays visible."""
    return moved(Action.CORRECT, Reason.COUNTED, {Place.UNEXPLAINED: -difference, Place.AVAILABLE: difference})


def spoil(quantity: int) -> Movement:
    """Take goods past their date from sale, visibly."""
    return moved(Action.EXPIRE, Reason.SPOILED, {Place.AVAILABLE: -quantity, Place.EXPIRED: quantity})


def come_back(quantity: int, sold: int) -> Movement:
    """Put returned goods aside, where nobody sells them; more than was ever sold is unexplained."""
    known = min(quantity, sold)
    moves = {Place.SOLD: -known, Place.UNEXPLAINED: known - quantity, Place.RETURNED: quantity}
    return moved(Action.CORRECT, Reason.CAME_BACK, moves)


def restock(quantity: int) -> Movement:
    """Sell returned goods again, because somebody looked at them."""
    return moved(Action.INCREMENT, Reason.RESTOCKED, {Place.RETURNED: -quantity, Place.AVAILABLE: quantity})


def discard(quantity: int) -> Movement:
    return moved(Action.DECREMENT, Reason.DISCARDED, {Place.RETURNED: -quantity, Place.EXPIRED: quantity})


def by_hand(action: Action, quantity: int) -> Movement:
    """Return what somebody asked for in the inventory document's words."""
    asked = {
        Action.INCREMENT: receive,
        Action.DECREMENT: withdraw,
        Action.ALLOCATE: allocate,
        Action.DEALLOCATE: release,
    }
    return asked[action](quantity)
