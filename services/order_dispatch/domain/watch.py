"""What time alone does to an order: silence makes it unknown, its date makes it delivered."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from libs.contracts.events import Evidence, OrderDelivered, OrderUnknown
from services.order_dispatch.domain.orders import Ask, Order, Turn
from services.order_dispatch.domain.states import State


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited for what."""

    answer_hours: float
    #: The first pause between two questions about the same order; it doubles from there.
    ask_again_hours: float
    ask_again_at_most_hours: float
    #: Days from order to door where neither the order nor the provider names a date.
    lead_time_days: float
    #: A date further away than this is no promise.
    longest_promise_days: float

    def until_asked_again(self, asks: int) -> timedelta:
        """Return the pause after the given number of questions."""
        doubled = self.ask_again_hours * 2.0 ** min(asks - 1, 32)
        return timedelta(hours=min(doubled, self.ask_again_at_most_hours))


def sent(order: Order, patience: Patience, at: datetime) -> Turn:
    """Count a drafted order as sent: the provider is asked to deliver, and its answer awaited."""
    waiting = replace(order, look_at=at + timedelta(hours=patience.answer_hours))
    return Turn(waiting).then(State.PLACING, at, "sent to the provider").ask(Ask.DELIVER)


def look(order: Order, patience: Patience, at: datetime) -> Turn:
    """Decide what becomes of an order nothing was heard about until its `look_at`."""
    if order.state is State.SHIPPED:
        return deliver(Turn(order), Evidence.ESTIMATED, at, because="its expected date came")
    if order.state is State.PLACING:
        reason = f"no answer for {patience.answer_hours:g} hours"
        turn = Turn(order).then(State.UNKNOWN, at, reason).say(OrderUnknown(**order.fact(at), reason=reason))
        return _ask_for_status(turn, patience, at)
    if order.state in (State.UNKNOWN, State.PLACED):
        return _ask_for_status(Turn(order), patience, at)
    return Turn(replace(order, look_at=None))


def _ask_for_status(turn: Turn, patience: Patience, at: datetime) -> Turn:
    asks = turn.order.asks + 1
    asked = replace(turn.order, asks=asks, look_at=at + patience.until_asked_again(asks))
    return replace(turn, order=asked).ask(Ask.STATUS)


def deliver(
    turn: Turn, evidence: Evidence, at: datetime, because: str, *, delivered_at: datetime | None = None
) -> Turn:
    """Close a shipped order; `delivered_at` is the date the provider gave, if it gave one."""
    order = replace(turn.order, look_at=None, delivered_at=delivered_at or at, evidence=evidence)
    turn = replace(turn, order=order).then(State.DELIVERED, at, because)
    delivered = OrderDelivered(
        **order.fact(at), device_id=order.device_id, slot=order.slot, quantity=order.coming, evidence=evidence
    )
    return turn.say(delivered)
