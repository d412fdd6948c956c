"""Answers of people about orders: which are possible, and what each does."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from replenish_contracts.catalogue import Event
from replenish_contracts.events import OrderUpdated, UpdateStatus
from replenish_contracts.units import format_quantity
from services.order_dispatch.domain.cancellation import TooLateError, cancel
from services.order_dispatch.domain.order import Cancellation, Decision, Order, Responder
from services.order_dispatch.domain.states import NOT_SUBMITTED, State
from services.order_dispatch.domain.timeouts import extend_deadline
from services.order_dispatch.orders.decisions import apply_decision, apply_update
from services.order_dispatch.orders.store import OrderStore
from services.order_dispatch.providers.hosted import next_day, read_terms


class Step(StrEnum):
    """One answer of a person's."""

    ACKNOWLEDGE = "acknowledge"
    SHIP = "ship"
    DELIVER = "deliver"
    REFUSE = "refuse"
    ORDERED = "ordered"
    NOT_YET = "not_yet"
    NO = "no"
    ARRIVED = "arrived"


SHOP_STEPS = frozenset({Step.ACKNOWLEDGE, Step.SHIP, Step.DELIVER, Step.REFUSE})
#: What each is in the words of every provider; the two others are the customer's own.
STATUSES = {
    Step.ACKNOWLEDGE: UpdateStatus.ACCEPTED,
    Step.SHIP: UpdateStatus.SHIPPED,
    Step.DELIVER: UpdateStatus.DELIVERED,
    Step.REFUSE: UpdateStatus.REFUSED,
    Step.ORDERED: UpdateStatus.ACCEPTED,
    Step.ARRIVED: UpdateStatus.DELIVERED,
}
_ARRIVED = frozenset({State.DELIVERED, State.RETURNED})
_SHIPPED = _ARRIVED | {State.SHIPPED}
_ACCEPTED = _SHIPPED | {State.PLACED}
_ENDED = frozenset({State.REFUSED, State.CANCELLED, State.FAILED})
#: Where an answer has led already: giving it again changes nothing and is no mistake.
_DONE_IN = {
    Step.ACKNOWLEDGE: _ACCEPTED,
    Step.SHIP: _SHIPPED,
    Step.DELIVER: _ARRIVED,
    Step.REFUSE: _ENDED,
    Step.ORDERED: _ACCEPTED,
    Step.NOT_YET: frozenset(),
    Step.NO: _ENDED,
    Step.ARRIVED: _ARRIVED,
}


class StepRefusedError(Exception):
    """The answer comes too late, or does not fit where the order stands; the words are for whoever gave it."""

    def __init__(self, order: Order, why: str) -> None:
        super().__init__(why)
        self.order = order


class ConflictingAnswerError(StepRefusedError):
    """The same answer was given before, about another quantity."""


def responder_of(step: Step) -> Responder:
    """Return who may give this answer."""
    return Responder.SHOP if step in SHOP_STEPS else Responder.CUSTOMER


def is_done(step: Step, order: Order) -> bool:
    """Tell whether the order stands where this answer leads."""
    return order.state in _DONE_IN[step]


def refusal_of(step: Step, order: Order) -> str | None:
    """Return in plain words why an answer cannot be taken any more; None where it can."""
    if is_done(step, order) or order.state in (State.PLACING, State.PLACED, State.UNKNOWN):
        return None
    if order.state is State.SHIPPED:
        return None if step in (Step.DELIVER, Step.ARRIVED) else "The order has been sent already."
    if order.state in _ARRIVED:
        return "The order has arrived already."
    wish = order.cancellation
    if wish is not None and wish.by in ("deadline", "expired"):
        return "The time to answer is over and the order was taken back. Please do not send anything."
    return f"The order is {order.state}. Please do not send anything."


@dataclass(frozen=True, slots=True)
class AnswerDetail:
    """What may go with an answer."""

    reason: str | None = None
    tracking: str | None = None
    #: What really leaves, in base steps.
    quantity: int | None = None
    expected_at: datetime | None = None


async def find_answerable(order_id: str, step: Step, store: OrderStore, *, lock: bool = False) -> Order | None:
    """Return an order that this answer can be about; one that nobody was asked about yet is not there for them."""
    order = await (store.lock_order(order_id) if lock else store.find_order(order_id))
    return None if order is None or order.responder is not responder_of(step) or order.state in NOT_SUBMITTED else order


async def take_answer(order: Order, step: Step, detail: AnswerDetail, store: OrderStore) -> tuple[Order, list[Event]]:
    """Return a locked order after the answer, and what is said; raises StepRefusedError.

    The same answer again is harmless.
    """
    if is_done(step, order):
        await _check_quantity(order, step, detail, store)
        return order, []
    refusal = refusal_of(step, order)
    if refusal is not None:
        raise StepRefusedError(order, refusal)
    if step in STATUSES:
        return await _apply_answer(order, step, detail, store)
    try:
        wish = Cancellation("customer", detail.reason or "the customer does not order it", store.now)
        decision = cancel(order, wish) if step is Step.NO else extend_deadline(order, store.timeouts, store.now)
    except TooLateError as error:
        raise StepRefusedError(order, str(error)) from error
    return decision.order, await apply_decision(decision, store)


async def _check_quantity(order: Order, step: Step, detail: AnswerDetail, store: OrderStore) -> None:
    """Raise ConflictingAnswerError where an answer that stands was about another quantity than it is now."""
    if step not in (Step.SHIP, Step.DELIVER) or detail.quantity is None:
        return
    said = await store.find_reported_quantity(order.order_id, order.provider_id, STATUSES[step])
    stands = order.shipped_or_ordered_quantity if said is None else said
    if detail.quantity != stands:
        amount = f"{format_quantity(stands, order.scale)} {order.unit.value}"
        raise ConflictingAnswerError(order, f"{amount} was said before, and that stands.")


async def _apply_answer(order: Order, step: Step, detail: AnswerDetail, store: OrderStore) -> tuple[Order, list[Event]]:
    update = OrderUpdated(
        provider_id=order.provider_id,
        update_id=f"{step}-{order.step}-{order.order_id}",
        order_id=order.order_id,
        status=STATUSES[step],
        occurred_at=store.now,
        expected_at=detail.expected_at or await _expected(order, step, store),
        quantity=detail.quantity,
        reason=detail.reason,
        tracking=detail.tracking,
    )
    applied = await apply_update(update, store)
    if applied.decision is None or applied.decision.decision is None:
        raise StepRefusedError(
            order, applied.decision.reason if applied.decision else "This was answered before, and not taken."
        )
    return _answered_order(applied.decision.decision, step), applied.events


def _answered_order(decision: Decision, step: Step) -> Order:
    if not is_done(step, decision.order) and decision.order.state is not State.PLACED:
        raise StepRefusedError(decision.order, f"The order is {decision.order.state}.")
    return decision.order


async def _expected(order: Order, step: Step, store: OrderStore) -> datetime | None:
    """Return when a shop's goods come by its own lead time, on one of its days; None where it has none."""
    if step is not Step.ACKNOWLEDGE:
        return None
    provider = await store.find_provider(order.provider_id)
    if provider is None or provider.lead_time_days is None:
        return None
    return next_day(read_terms(provider.account), store.now + timedelta(days=provider.lead_time_days))
