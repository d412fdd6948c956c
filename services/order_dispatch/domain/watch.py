"""What time alone does to an order: silence makes it unknown, its date makes it delivered."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from replenish_contracts.events import ClaimRaised, Evidence, OrderCancelled, OrderDelivered, OrderShipped, OrderUnknown
from services.order_dispatch.domain.money import overpaid, take
from services.order_dispatch.domain.orders import Ask, Cancellation, Order, Turn
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
    #: A call whose end nobody saw may still be at work for so long.
    doubt_minutes: float = 10
    #: A person who was asked is reminded once, and loses the order after the second time.
    remind_hours: float = 24
    keeper_hours: float = 48

    def until_asked_again(self, asks: int) -> timedelta:
        """Return the pause after the given number of questions."""
        doubled = self.ask_again_hours * 2.0 ** min(asks - 1, 32)
        return timedelta(hours=min(doubled, self.ask_again_at_most_hours))


def sent(order: Order, patience: Patience, at: datetime, *, called: bool = False) -> Turn:
    """Ask the provider to deliver, and await its answer; one that is `called` has not been reached yet."""
    waiting = replace(order, sent_at=None if called else at, look_at=at + timedelta(hours=patience.answer_hours))
    return Turn(waiting).then(State.PLACING, at, "sent to the provider").ask(Ask.DELIVER)


def look(order: Order, patience: Patience, at: datetime) -> Turn:
    """Decide what becomes of an order nothing was heard about until its `look_at`."""
    if order.resolve_by is not None and order.resolve_by <= at and order.state in (State.PLACING, State.UNKNOWN):
        return _give_up(order, at)
    if order.state is State.SHIPPED:
        return deliver(Turn(order), Evidence.ESTIMATED, at, because="its expected date came")
    if order.state is State.PLACING and order.sent_at is None:  # nothing was sent: whoever tries to may stop now
        return Turn(replace(order, look_at=None))
    if order.state is State.PLACING:
        reason = f"no answer for {patience.answer_hours:g} hours"
        turn = Turn(order).then(State.UNKNOWN, at, reason).say(OrderUnknown(**order.fact(at), reason=reason))
        return ask_for_status(turn, patience, at)
    if order.state in (State.UNKNOWN, State.PLACED):
        return ask_for_status(Turn(order), patience, at)
    return Turn(replace(order, look_at=None))


def ask_for_status(turn: Turn, patience: Patience, at: datetime) -> Turn:
    asks = turn.order.asks + 1
    again = at + patience.until_asked_again(asks)
    asked = replace(turn.order, asks=asks, look_at=min(again, turn.order.resolve_by or again))
    return replace(turn, order=asked).ask(Ask.STATUS)


def mark_unknown(order: Order, reason: str, patience: Patience, at: datetime) -> Turn:
    """Note that nobody knows whether the provider got an order it was called for, and ask; never send it again."""
    until = at + timedelta(minutes=patience.doubt_minutes)
    turn = Turn(replace(order, sent_at=at, doubtful_until=until)).then(State.UNKNOWN, at, reason)
    return ask_for_status(turn.say(OrderUnknown(**order.fact(at), reason=reason)), patience, at)


def _give_up(order: Order, at: datetime) -> Turn:
    """Cancel an order whose problem was not settled in time, as the provider does; it is told, to be sure."""
    wish = order.cancellation or Cancellation("resolution", "the problem was not settled in time", at)
    turn = Turn(replace(order, cancellation=wish, look_at=None)).then(State.CANCELLED, at, "not settled in time")
    return turn.say(OrderCancelled(**order.fact(at), by=wish.by, reason=wish.reason)).ask(Ask.CANCEL)


def leave(turn: Turn, at: datetime) -> Turn:
    """Say of a shipped order what left, and have its money taken."""
    order = turn.order
    shipped = OrderShipped(
        **order.fact(at), quantity=order.coming, expected_at=order.expected_at, tracking=order.tracking
    )
    return take(turn.say(shipped))


def deliver(
    turn: Turn, evidence: Evidence, at: datetime, because: str, *, delivered_at: datetime | None = None
) -> Turn:
    """Close a shipped order; `delivered_at` is the date the provider gave, if it gave one.

    Money that was taken for more than arrived goes back.
    """
    order = replace(turn.order, look_at=None, delivered_at=delivered_at or at, evidence=evidence)
    turn = replace(turn, order=order).then(State.DELIVERED, at, because)
    delivered = OrderDelivered(
        **order.fact(at),
        device_id=order.device_id,
        slot=order.slot,
        quantity=order.coming,
        evidence=evidence,
        delivered_at=order.delivered_at if evidence is Evidence.REPORTED else None,
        price=order.price,
        billed=order.billed if order.billed_currency == order.currency else None,
        currency=order.currency,
    )
    turn = turn.say(delivered).give_back(overpaid(order))
    short = not order.test and order.coming < order.quantity
    return turn.say(ClaimRaised(**order.fact(at), ordered=order.quantity, received=order.coming)) if short else turn
