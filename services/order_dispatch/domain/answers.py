"""What a provider's update does to an order, in whatever order updates come."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from replenish_contracts.events import (
    Evidence,
    OrderCancelled,
    OrderFailed,
    OrderPlaced,
    OrderRefused,
    OrderUpdated,
    UpdateStatus,
)
from services.order_dispatch.domain.drafts import RESOLUTION_HOURS, Provider
from services.order_dispatch.domain.orders import Ask, Cancellation, Order, Turn
from services.order_dispatch.domain.said import Said
from services.order_dispatch.domain.states import CLOSED, INSIDE, OUTSIDE, State, road
from services.order_dispatch.domain.watch import Patience, deliver, leave

#: Shops send other packs than we know of; a thousand times as much is milligrams told of grams.
SLIP = 1000


class Fate(StrEnum):
    """What became of a provider's update; every one is kept."""

    APPLIED = "applied"
    #: Known or overtaken; the reason says by what.
    NOT_APPLIED = "not_applied"
    #: The order is another provider's, or the goods are not what was ordered.
    REFUSED = "refused"
    #: Nobody knows the order.
    UNMATCHED = "unmatched"


@dataclass(frozen=True, slots=True)
class Verdict:
    """An update's fate; `turn` where something follows from it."""

    fate: Fate
    reason: str = ""
    turn: Turn | None = None


def hear(
    order: Order | None,
    update: OrderUpdated,
    provider: Provider | None,
    patience: Patience,
    at: datetime,
    newest: datetime | None = None,
) -> Verdict:
    """Judge one update that was not heard before; `newest` is the time of the latest like it that was applied."""
    if order is None:
        return Verdict(Fate.UNMATCHED, "no such order")
    if order.provider_id != update.provider_id:
        return Verdict(Fate.REFUSED, "the order is another provider's")
    if order.state in CLOSED:
        return Verdict(Fate.NOT_APPLIED, f"the order is already {order.state}")
    if order.state in INSIDE:
        return Verdict(Fate.NOT_APPLIED, "the provider has not been asked for this order")
    said = Said(order, update, provider, patience, at, is_stale=newest is not None and update.occurred_at < newest)
    return _unwanted(said) or _RULES[update.status](said)


def _unwanted(said: Said) -> Verdict | None:
    return _substituted(said) or _unbelievable(said)


def _substituted(said: Said) -> Verdict | None:
    """Refuse another product than the one ordered where the provider may not choose, and ask to cancel."""
    order, other = said.order, said.update.product_id
    if other in (None, order.product_id) or said.update.status not in _GOODS:
        return None
    if said.provider is not None and said.provider.allows_substitutes:
        return None
    reason = f"{order.provider_id} may not send {other} instead of {order.product_id}"
    if order.state not in OUTSIDE or order.cancellation is not None:
        return Verdict(Fate.REFUSED, reason)
    wish = Cancellation("substitution", reason[:2000], said.occurred_at)
    return Verdict(Fate.REFUSED, reason, Turn(replace(order, cancellation=wish)).ask(Ask.CANCEL))


def _unbelievable(said: Said) -> Verdict | None:
    """Refuse a quantity that must be in another unit: no shelf is to follow it."""
    ordered, sent = said.order.quantity, said.update.quantity
    counts = said.update.status in (UpdateStatus.SHIPPED, UpdateStatus.DELIVERED)
    if sent is None or not counts or sent < SLIP * ordered:
        return None
    return Verdict(Fate.REFUSED, f"{ordered} were ordered, in the order's own steps: {sent} cannot have been sent")


def _accepted(said: Said) -> Verdict:
    if said.order.state is State.SHIPPED:
        return Verdict(Fate.NOT_APPLIED, "the order is already shipped")
    turn = _move_on(said, State.PLACED)
    if said.order.state is State.UNKNOWN and said.order.cancellation is not None:
        turn = turn.ask(Ask.CANCEL)  # the wish may have reached the provider before the order did
    return Verdict(Fate.APPLIED, "", turn)


def _shipped(said: Said) -> Verdict:
    order, update = said.order, said.update
    if order.state is State.SHIPPED and update.quantity not in (None, order.sent_quantity):
        return Verdict(Fate.NOT_APPLIED, "the order is already shipped with another quantity")
    return Verdict(Fate.APPLIED, "", _move_on(said, State.SHIPPED))


def _delivered(said: Said) -> Verdict:
    turn = _move_on(said, State.SHIPPED)
    arrived = max(said.order.drafted_at, min(said.update.occurred_at, said.occurred_at))
    turn = deliver(turn, Evidence.REPORTED, said.occurred_at, because=said.because, delivered_at=arrived)
    return Verdict(Fate.APPLIED, "", turn)


def _refused(said: Said) -> Verdict:
    if said.order.state is State.PLACED:  # it had accepted: that is no refusal any more
        return _cancelled(said)
    if said.order.state is State.SHIPPED:
        return Verdict(Fate.NOT_APPLIED, "the order is already shipped")
    turn = _end(said, State.REFUSED).say(OrderRefused(**said.order.fact(said.occurred_at), reason=said.reason))
    return Verdict(Fate.APPLIED, "", turn)


def _cancelled(said: Said) -> Verdict:
    order = said.order
    if order.state is State.SHIPPED:
        return Verdict(Fate.NOT_APPLIED, "the order is already shipped")
    wish = order.cancellation
    by, reason = (wish.by, wish.reason) if wish else ("provider", said.reason)
    turn = _end(said, State.CANCELLED).say(OrderCancelled(**order.fact(said.occurred_at), by=by, reason=reason))
    return Verdict(Fate.APPLIED, "", turn)


def _resolving(said: Said) -> Verdict:
    order = said.order
    if order.state not in (State.PLACING, State.UNKNOWN):
        return Verdict(Fate.NOT_APPLIED, f"the order is already {order.state}")
    hours = said.provider.resolution_hours if said.provider else RESOLUTION_HOURS
    until = order.resolve_by or said.occurred_at + timedelta(hours=hours)
    # One that is asked about goes on being asked about: that the problem was settled may have been said in vain.
    look_at = until if order.state is State.PLACING else min(order.look_at or until, until)
    return Verdict(Fate.APPLIED, "", Turn(replace(order, resolve_by=until, look_at=look_at)))


def _not_found(said: Said) -> Verdict:
    order = said.order
    if order.doubtful_until is not None and said.occurred_at < order.doubtful_until:
        return Verdict(Fate.NOT_APPLIED, "the order may still be on its way to the provider")
    if order.state in (State.PLACING, State.UNKNOWN) and order.cancellation is not None:
        return _cancelled(said)
    if order.state is not State.UNKNOWN:
        return Verdict(Fate.NOT_APPLIED, f"the order is {order.state}: the provider contradicts itself")
    reason = f"{order.provider_id} never got the order"
    return Verdict(
        Fate.APPLIED, "", _end(said, State.FAILED).say(OrderFailed(**order.fact(said.occurred_at), reason=reason))
    )


#: What says something about goods.
_GOODS = frozenset({UpdateStatus.ACCEPTED, UpdateStatus.SHIPPED, UpdateStatus.DELIVERED})
_RULES: dict[UpdateStatus, Callable[[Said], Verdict]] = {
    UpdateStatus.ACCEPTED: _accepted,
    UpdateStatus.SHIPPED: _shipped,
    UpdateStatus.DELIVERED: _delivered,
    UpdateStatus.REFUSED: _refused,
    UpdateStatus.CANCELLED: _cancelled,
    UpdateStatus.RESOLVING: _resolving,
    UpdateStatus.NOT_FOUND: _not_found,
}


def _end(said: Said, there: State) -> Turn:
    return Turn(replace(said.order, look_at=None)).then(there, said.occurred_at, said.because)


def _move_on(said: Said, there: State) -> Turn:
    """Take every stop up to `there`, and say each."""
    turn = Turn(said.take_over(said.order))
    for stop in road(said.order.state, there):
        because = said.because if stop is there else f"implied: {said.because}"
        turn = turn.then(stop, said.occurred_at, because)
        turn = (
            turn.say(_placed(turn.order, said.occurred_at)) if stop is State.PLACED else leave(turn, said.occurred_at)
        )
    return _waiting(said, turn)


def _waiting(said: Said, turn: Turn) -> Turn:
    """Look again when the goods should be there; a provider that is overdue already, after a pause."""
    order = turn.order
    if order.state is State.PLACED and order.expected_at is not None and order.expected_at <= said.occurred_at:
        asks = max(order.asks, 1)
        return replace(
            turn, order=replace(order, asks=asks, look_at=said.occurred_at + said.patience.until_asked_again(asks))
        )
    return replace(turn, order=replace(order, asks=0, look_at=order.expected_at))


def _placed(order: Order, at: datetime) -> OrderPlaced:
    return OrderPlaced(**order.fact(at), packs=order.packs, quantity=order.quantity, expected_at=order.expected_at)
