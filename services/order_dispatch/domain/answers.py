"""What a provider's update does to an order, in whatever order updates come."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from libs.contracts.events import (
    Evidence,
    OrderCancelled,
    OrderFailed,
    OrderPlaced,
    OrderRefused,
    OrderShipped,
    OrderUpdated,
    UpdateStatus,
)
from services.order_dispatch.domain.drafts import Provider
from services.order_dispatch.domain.orders import Order, Turn
from services.order_dispatch.domain.states import CLOSED, State, road
from services.order_dispatch.domain.watch import Patience, deliver


class Fate(StrEnum):
    """What became of a provider's update; every one is kept."""

    APPLIED = "applied"
    #: Known or overtaken; the reason says by what.
    NOT_APPLIED = "not_applied"
    #: The order is another provider's.
    REFUSED = "refused"
    #: Nobody knows the order.
    UNMATCHED = "unmatched"


@dataclass(frozen=True, slots=True)
class Verdict:
    """An update's fate; `turn` only where it was applied."""

    fate: Fate
    reason: str = ""
    turn: Turn | None = None


@dataclass(frozen=True, slots=True)
class _Said:
    """One update as the rules below see it."""

    order: Order
    update: OrderUpdated
    provider: Provider | None
    patience: Patience
    at: datetime

    @property
    def because(self) -> str:
        return f"{self.update.provider_id} said {self.update.status} ({self.update.update_id})"

    @property
    def reason(self) -> str:
        return self.update.reason or "no reason given"


def hear(
    order: Order | None, update: OrderUpdated, provider: Provider | None, patience: Patience, at: datetime
) -> Verdict:
    """Judge one update that was not heard before."""
    if order is None:
        return Verdict(Fate.UNMATCHED, "no such order")
    if order.provider_id != update.provider_id:
        return Verdict(Fate.REFUSED, "the order is another provider's")
    if order.state in CLOSED:
        return Verdict(Fate.NOT_APPLIED, f"the order is already {order.state}")
    if order.state is State.DRAFTED:
        return Verdict(Fate.NOT_APPLIED, "the provider has not been asked for this order")
    return _RULES[update.status](_Said(order, update, provider, patience, at))


def _accepted(said: _Said) -> Verdict:
    if said.order.state is State.SHIPPED:
        return Verdict(Fate.NOT_APPLIED, "the order is already shipped")
    return Verdict(Fate.APPLIED, "", _move_on(said, State.PLACED))


def _shipped(said: _Said) -> Verdict:
    order, update = said.order, said.update
    if order.state is State.SHIPPED and update.quantity not in (None, order.coming):
        return Verdict(Fate.NOT_APPLIED, "the order is already shipped with another quantity")
    return Verdict(Fate.APPLIED, "", _move_on(said, State.SHIPPED))


def _delivered(said: _Said) -> Verdict:
    turn, arrived = _move_on(said, State.SHIPPED), min(said.update.at, said.at)
    turn = deliver(turn, Evidence.REPORTED, said.at, because=said.because, delivered_at=arrived)
    return Verdict(Fate.APPLIED, "", turn)


def _refused(said: _Said) -> Verdict:
    if said.order.state is State.PLACED:  # it had accepted: that is no refusal any more
        return _cancelled(said)
    if said.order.state is State.SHIPPED:
        return Verdict(Fate.NOT_APPLIED, "the order is already shipped")
    turn = _end(said, State.REFUSED).say(OrderRefused(**said.order.fact(said.at), reason=said.reason))
    return Verdict(Fate.APPLIED, "", turn)


def _cancelled(said: _Said) -> Verdict:
    order = said.order
    if order.state is State.SHIPPED:
        return Verdict(Fate.NOT_APPLIED, "the order is already shipped")
    wish = order.cancellation
    by, reason = (wish.by, wish.reason) if wish else ("provider", said.reason)
    turn = _end(said, State.CANCELLED).say(OrderCancelled(**order.fact(said.at), by=by, reason=reason))
    return Verdict(Fate.APPLIED, "", turn)


def _not_found(said: _Said) -> Verdict:
    order = said.order
    if order.state in (State.PLACING, State.UNKNOWN) and order.cancellation is not None:
        return _cancelled(said)
    if order.state is not State.UNKNOWN:
        return Verdict(Fate.NOT_APPLIED, f"the order is {order.state}: the provider contradicts itself")
    reason = f"{order.provider_id} never got the order"
    return Verdict(Fate.APPLIED, "", _end(said, State.FAILED).say(OrderFailed(**order.fact(said.at), reason=reason)))


_RULES: dict[UpdateStatus, Callable[[_Said], Verdict]] = {
    UpdateStatus.ACCEPTED: _accepted,
    UpdateStatus.SHIPPED: _shipped,
    UpdateStatus.DELIVERED: _delivered,
    UpdateStatus.REFUSED: _refused,
    UpdateStatus.CANCELLED: _cancelled,
    UpdateStatus.NOT_FOUND: _not_found,
}


def _end(said: _Said, there: State) -> Turn:
    return Turn(replace(said.order, look_at=None)).then(there, said.at, said.because)


def _move_on(said: _Said, there: State) -> Turn:
    """Take every stop up to `there`, and say each."""
    turn = Turn(_with_date(said, said.order))
    for stop in road(said.order.state, there):
        because = said.because if stop is there else f"implied: {said.because}"
        turn = turn.then(stop, said.at, because)
        turn = turn.say(_placed(turn.order, said.at) if stop is State.PLACED else _left(turn.order, said.at))
    return _waiting(said, turn)


def _with_date(said: _Said, order: Order) -> Order:
    """Take over what the update says about the goods."""
    update = said.update
    promised = _promise(said) if order.expected_at is None or _named(said) else None
    expected = promised or order.expected_at
    if expected is None and update.status is not UpdateStatus.DELIVERED:
        expected = said.at + timedelta(days=said.patience.lead_time_days)
    return replace(
        order,
        expected_at=expected,
        promised_at=order.promised_at or promised,
        shipped_quantity=_counted(update, order.shipped_quantity),
        tracking=update.tracking or order.tracking,
    )


def _counted(update: OrderUpdated, before: int | None) -> int | None:
    """Return how much left or arrived; an earlier update's quantity is only an announcement."""
    says = update.quantity is not None and update.status in (UpdateStatus.SHIPPED, UpdateStatus.DELIVERED)
    return update.quantity if says else before


def _named(said: _Said) -> datetime | None:
    """Return the date the update gives, if it is a believable one."""
    named = said.update.expected_at
    latest = said.at + timedelta(days=said.patience.longest_promise_days)
    return named if named is not None and named <= latest else None


def _promise(said: _Said) -> datetime | None:
    """Return the provider's date, else its usual days from now, else nothing."""
    usual = said.provider.lead_time_days if said.provider else None
    return _named(said) or (None if usual is None else said.at + timedelta(days=usual))


def _waiting(said: _Said, turn: Turn) -> Turn:
    """Look again when the goods should be there; a provider that is overdue already, after a pause."""
    order = turn.order
    if order.state is State.PLACED and order.expected_at is not None and order.expected_at <= said.at:
        asks = max(order.asks, 1)
        return replace(turn, order=replace(order, asks=asks, look_at=said.at + said.patience.until_asked_again(asks)))
    return replace(turn, order=replace(order, asks=0, look_at=order.expected_at))


def _placed(order: Order, at: datetime) -> OrderPlaced:
    return OrderPlaced(**order.fact(at), packs=order.packs, quantity=order.quantity, expected_at=order.expected_at)


def _left(order: Order, at: datetime) -> OrderShipped:
    return OrderShipped(**order.fact(at), quantity=order.coming, expected_at=order.expected_at, tracking=order.tracking)
