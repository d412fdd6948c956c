"""From a drafted order to one the provider is asked for: its goods, its payment, then the provider."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from replenish_contracts.events import AllocationLine, AllocationRequested, OrderRefused, Shortage
from replenish_contracts.units import format_quantity
from services.order_dispatch.domain.endings import fail, withdraw
from services.order_dispatch.domain.keepers import entrust
from services.order_dispatch.domain.orders import Keeper, Order, Turn
from services.order_dispatch.domain.states import State
from services.order_dispatch.domain.watch import Patience, sent


@dataclass(frozen=True, slots=True)
class Way:
    """What ordering from a provider needs."""

    #: We keep its stock: goods are set aside before it is asked.
    reserves: bool = False
    #: We take its customers' money.
    pays: bool = False
    #: Its server is called; otherwise it is told by events.
    calls: bool = False
    #: A person is asked, not a program.
    keeper: Keeper | None = None


def proceed(order: Order, way: Way, patience: Patience, at: datetime) -> Turn:
    """Take the next step towards the provider; a rehearsal needs neither goods nor money.

    Nothing leaves unpaid: where we take the money, an order whose price nobody knows fails.
    """
    if way.pays and order.price is None and not order.test:
        reason = f"{order.provider_id} names no price for packs of {format_quantity(order.pack_size, order.scale)}"
        return fail(order, f"{reason}, so that it cannot be paid", at)
    if way.reserves and not order.test and order.reserved_at is None:
        turn = Turn(order).then(State.RESERVING, at, "its goods are to be set aside")
        lines = (AllocationLine(product_id=order.product_id, quantity=order.quantity),)
        return turn.say(AllocationRequested(**order.fact(at), lines=lines))
    if way.pays and order.price and not order.test and order.authorized_at is None:
        return Turn(order).then(State.AUTHORIZING, at, "its payment is to be authorized")
    if way.keeper is not None:
        return entrust(order, way.keeper, patience, at)
    return sent(order, patience, at, called=way.calls)


def refuse(order: Order, reason: str, at: datetime) -> Turn:
    """End a drafted order that its provider's own terms rule out."""
    return Turn(order).then(State.REFUSED, at, reason).say(OrderRefused(**order.fact(at), reason=reason))


def is_ready(order: Order) -> bool:
    """Tell whether nothing is awaited before the next step."""
    waited_for = {State.DRAFTED: order.drafted_at, State.RESERVING: order.reserved_at}
    return (waited_for | {State.AUTHORIZING: order.authorized_at}).get(order.state) is not None


def run_short(order: Order, shortages: Iterable[Shortage], at: datetime) -> Turn:
    """End an order whose goods are not there, and say what there is and when there will be more."""
    reason = "; ".join(_in_words(one, order) for one in shortages)[:2000] or "the goods are not there"
    return Turn(order).then(State.REFUSED, at, reason).say(OrderRefused(**order.fact(at), reason=reason))


def _in_words(short: Shortage, order: Order) -> str:
    wanted, there = (format_quantity(steps, order.scale) for steps in (short.requested, short.available))
    more = f"more on {short.restock_at:%Y-%m-%d}" if short.restock_at else "no date for more"
    return f"{short.product_id}: {wanted} wanted, {there} available, {more}"


def why_not_sent(order: Order, patience: Patience, at: datetime) -> str | None:
    """Return why an order that its provider certainly has not got is not to be sent any more, if that is so."""
    if order.state is not State.PLACING:
        return f"the order is {order.state}"
    if order.cancellation is not None:
        return f"cancelled: {order.cancellation.by}"
    if order.look_at is None or order.look_at <= at:
        return f"{order.provider_id} could not be reached for {patience.answer_hours:g} hours"
    return None


def leave_unsent(order: Order, reason: str, at: datetime) -> Turn:
    """End an order that the provider certainly never got."""
    if order.cancellation is not None:
        return withdraw(order, order.cancellation)
    return fail(order, reason, at)


def got_through(order: Order, reference: str | None, patience: Patience, at: datetime) -> Turn:
    """Note that the provider answered; what it answered is heard after this."""
    reached = replace(order, reference=reference or order.reference)
    if order.state is State.PLACING and order.sent_at is None:
        reached = replace(reached, sent_at=at, look_at=at + timedelta(hours=patience.answer_hours))
    return Turn(reached)
