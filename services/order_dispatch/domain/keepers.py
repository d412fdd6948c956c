"""Orders that a person must accept: one reminder, withdrawn at the deadline, never `unknown`."""

from dataclasses import replace
from datetime import datetime, timedelta

from replenish_contracts.events import Evidence
from services.order_dispatch.domain import watch
from services.order_dispatch.domain.endings import withdraw
from services.order_dispatch.domain.orders import Ask, Cancellation, Keeper, Order, Turn
from services.order_dispatch.domain.states import State
from services.order_dispatch.domain.watch import Patience, deliver, leave

#: `by` of OrderCancelled after an expired deadline; after a shop, the next provider is tried.
SILENCE = {Keeper.SHOP: "deadline", Keeper.CUSTOMER: "expired"}


def entrust(order: Order, keeper: Keeper, patience: Patience, at: datetime) -> Turn:
    """Submit the order to a person and set the times of the reminder and the deadline."""
    waiting = replace(
        order,
        keeper=keeper,
        sent_at=at,
        look_at=at + timedelta(hours=min(patience.remind_hours, patience.keeper_hours)),
        answer_by=at + timedelta(hours=patience.keeper_hours),
    )
    return Turn(waiting).then(State.PLACING, at, f"the {keeper} is asked").ask(Ask.DELIVER)


def look(order: Order, patience: Patience, at: datetime) -> Turn:
    """Decide the next step of an order without an update until its `look_at`."""
    if order.is_unanswered:
        return _remind_or_withdraw(order, patience, at)
    if order.keeper is Keeper.SHOP and order.state is State.PLACED and order.cancellation is not None:
        return _await_the_shop(order, order.cancellation, patience, at)
    if order.keeper is Keeper.CUSTOMER and order.state is State.PLACED:
        return _arrive(order, at, because="its expected date came")
    return watch.look(order, patience, at)


def put_off(order: Order, patience: Patience, at: datetime) -> Turn:
    """Restart the deadline and its reminder; no change once the order was accepted."""
    later = at + timedelta(hours=patience.keeper_hours)
    again = at + timedelta(hours=min(patience.remind_hours, patience.keeper_hours))
    return Turn(replace(order, answer_by=later, look_at=again)) if order.is_unanswered else Turn(order)


def _remind_or_withdraw(order: Order, patience: Patience, at: datetime) -> Turn:
    """Remind once; withdraw after the deadline, so that a late acceptance has no effect."""
    if order.answer_by is not None and at < order.answer_by:
        reminded = Turn(replace(order, asks=order.asks + 1, look_at=order.answer_by))
        return reminded if order.asks else reminded.ask(Ask.STATUS)
    keeper = order.keeper or Keeper.SHOP
    reason = f"the {keeper} did not answer in {patience.keeper_hours:g} hours"
    return withdraw(order, Cancellation(SILENCE[keeper], reason, at))


def _await_the_shop(order: Order, wish: Cancellation, patience: Patience, at: datetime) -> Turn:
    """Withdraw an order if the shop ignores a cancellation request; it can no longer ship it."""
    until = wish.occurred_at + timedelta(hours=patience.keeper_hours)
    return withdraw(order, wish) if until <= at else Turn(replace(order, look_at=until))


def _arrive(order: Order, at: datetime, because: str) -> Turn:
    """Mark a placed order as shipped and delivered, because its provider sends no updates."""
    turn = Turn(order).then(State.SHIPPED, at, f"implied: {because}")
    return deliver(leave(turn, at), Evidence.ESTIMATED, at, because)
