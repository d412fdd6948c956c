"""Movements of provider stock: receipt, allocation, sale, return."""

from services.inventory.domain.goods import Action, Movement, Place, Reason, movement_of


def receive(quantity: int) -> Movement:
    return movement_of(Action.INCREMENT, Reason.RECEIVED, {Place.SUPPLIER: -quantity, Place.AVAILABLE: quantity})


def withdraw(quantity: int) -> Movement:
    return movement_of(Action.DECREMENT, Reason.WITHDRAWN, {Place.AVAILABLE: -quantity, Place.SUPPLIER: quantity})


def allocate(quantity: int) -> Movement:
    return movement_of(Action.ALLOCATE, Reason.ALLOCATED, {Place.AVAILABLE: -quantity, Place.ALLOCATED: quantity})


def release(quantity: int) -> Movement:
    return movement_of(Action.DEALLOCATE, Reason.RELEASED, {Place.ALLOCATED: -quantity, Place.AVAILABLE: quantity})


def lapse(quantity: int) -> Movement:
    """Release goods of a checkout that was not paid in time."""
    return movement_of(Action.EXPIRE, Reason.LAPSED, {Place.ALLOCATED: -quantity, Place.AVAILABLE: quantity})


def sell(quantity: int, allocated: int, available: int) -> Movement:
    """Book shipped goods: first from the allocation, then from available stock, the rest as unexplained."""
    from_allocated = min(quantity, allocated)
    from_available = min(quantity - from_allocated, available)
    moves = {
        Place.ALLOCATED: -from_allocated,
        Place.AVAILABLE: -from_available,
        Place.UNEXPLAINED: from_allocated + from_available - quantity,
        Place.SOLD: quantity,
    }
    return movement_of(Action.SHIP, Reason.SOLD, moves)


def recount(difference: int) -> Movement:
    return movement_of(Action.CORRECT, Reason.COUNTED, {Place.UNEXPLAINED: -difference, Place.AVAILABLE: difference})


def expire(quantity: int) -> Movement:
    return movement_of(Action.EXPIRE, Reason.SPOILED, {Place.AVAILABLE: -quantity, Place.EXPIRED: quantity})


def take_returned(quantity: int, sold: int) -> Movement:
    """Book returned goods to `returned`, where they are not for sale; more than was sold is unexplained."""
    known = min(quantity, sold)
    moves = {Place.SOLD: -known, Place.UNEXPLAINED: known - quantity, Place.RETURNED: quantity}
    return movement_of(Action.CORRECT, Reason.CAME_BACK, moves)


def restock(quantity: int) -> Movement:
    return movement_of(Action.INCREMENT, Reason.RESTOCKED, {Place.RETURNED: -quantity, Place.AVAILABLE: quantity})


def discard(quantity: int) -> Movement:
    return movement_of(Action.DECREMENT, Reason.DISCARDED, {Place.RETURNED: -quantity, Place.EXPIRED: quantity})


def manual_movement(action: Action, quantity: int) -> Movement:
    movements = {
        Action.INCREMENT: receive,
        Action.DECREMENT: withdraw,
        Action.ALLOCATE: allocate,
        Action.DEALLOCATE: release,
    }
    return movements[action](quantity)
