"""Answers of shops and customers about orders: which are possible in a state, and their effects."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from replenish_contracts.catalogue import Event
from replenish_contracts.events import OrderUpdated, UpdateStatus
from replenish_contracts.units import format_quantity
from services.order_dispatch.domain.cancellation import TooLateError, cancel
from services.order_dispatch.domain.lines import Cancellation
from services.order_dispatch.domain.order import Order, Responder
from services.order_dispatch.domain.states import NOT_SUBMITTED, State
from services.order_dispatch.domain.timeouts import extend_deadline
from services.order_dispatch.orders.decisions import apply_decision, apply_update
from services.order_dispatch.orders.store import OrderStore
from services.order_dispatch.providers.hosted import next_day, read_terms


class Step(StrEnum):
    """Possible answers; the first four are a shop's, the others a customer's."""

    ACKNOWLEDGE = "acknowledge"
    SHIP = "ship"
    DELIVER = "deliver"
    REFUSE = "refuse"
    #: The customer placed the order at the shop.
    ORDERED = "ordered"
    #: The customer needs more time; the deadline restarts.
    NOT_YET = "not_yet"
    #: The customer skips the order; it is cancelled.
    NO = "no"
    ARRIVED = "arrived"


SHOP_STEPS = frozenset({Step.ACKNOWLEDGE, Step.SHIP, Step.DELIVER, Step.REFUSE})
#: Answers that are applied like an update from a provider. NOT_YET and NO are not: they extend or cancel the order.
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
#: States in which an answer has no further effect, so that repeating it succeeds.
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
    """The answer is too late or not possible in the order's state; the text is shown to the shop or customer."""

    def __init__(self, order: Order, reason: str) -> None:
        super().__init__(reason)
        self.order = order


class ConflictingAnswerError(StepRefusedError):
    """The same answer was already given with a different quantity."""


def responder_of(step: Step) -> Responder:
    return Responder.SHOP if step in SHOP_STEPS else Responder.CUSTOMER


def is_done(step: Step, order: Order) -> bool:
    return order.state in _DONE_IN[step]


def refusal_of(step: Step, order: Order) -> str | None:
    """Return why an answer is no longer possible, as shown on the page, or None if it is possible."""
    if is_done(step, order) or order.state in (State.PLACING, State.PLACED, State.UNKNOWN):
        return None
    if order.state is State.SHIPPED:
        return None if step in (Step.DELIVER, Step.ARRIVED) else "The order has already been sent."
    if order.state in _ARRIVED:
        return "The order has already arrived."
    if order.cancellation is not None and order.cancellation.by in ("deadline", "expired"):
        return "The time to answer has expired and the order was cancelled. Please do not send anything."
    return f"The order is {order.state}. Please do not send anything."


@dataclass(frozen=True, slots=True)
class AnswerDetail:
    """Optional content of an answer."""

    reason: str | None = None
    tracking: str | None = None
    #: Quantity shipped or delivered, in base steps.
    quantity: int | None = None
    expected_at: datetime | None = None


async def find_answerable(order_id: str, step: Step, store: OrderStore, *, lock: bool = False) -> Order | None:
    """Return the order if its responder may give this answer; None before the order was submitted to them."""
    order = await (store.lock_order(order_id) if lock else store.find_order(order_id))
    return None if order is None or order.responder is not responder_of(step) or order.state in NOT_SUBMITTED else order


async def take_answer(order: Order, step: Step, detail: AnswerDetail, store: OrderStore) -> tuple[Order, list[Event]]:
    """Apply an answer to a locked order; return the order and the events to publish. Repetitions change nothing.

    Raises StepRefusedError if the answer is not possible, ConflictingAnswerError if repeated with another quantity.
    """
    if is_done(step, order):
        await _check_quantity(order, step, detail, store)
        return order, []
    refusal = refusal_of(step, order)
    if refusal is not None:
        raise StepRefusedError(order, refusal)
    if step in STATUSES:
        return await _apply_as_update(order, step, detail, store)
    try:
        cancellation = Cancellation("customer", detail.reason or "the customer skipped the order", store.now)
        decision = cancel(order, cancellation) if step is Step.NO else extend_deadline(order, store.timeouts, store.now)
    except TooLateError as error:
        raise StepRefusedError(order, str(error)) from error
    return decision.order, await apply_decision(decision, store)


async def _check_quantity(order: Order, step: Step, detail: AnswerDetail, store: OrderStore) -> None:
    if step not in (Step.SHIP, Step.DELIVER) or detail.quantity is None:
        return
    reported = await store.find_reported_quantity(order.order_id, order.provider_id, STATUSES[step])
    if reported is None:
        reported = order.shipped_or_ordered_quantity
    if detail.quantity != reported:
        amount = f"{format_quantity(reported, order.scale)} {order.unit.value}"
        raise ConflictingAnswerError(order, f"The quantity was already reported as {amount} and cannot be changed.")


async def _apply_as_update(
    order: Order, step: Step, detail: AnswerDetail, store: OrderStore
) -> tuple[Order, list[Event]]:
    update = OrderUpdated(
        provider_id=order.provider_id,
        # Contains the order's step, so that an answer can be given again after the order changed.
        update_id=f"{step}-{order.step}-{order.order_id}",
        order_id=order.order_id,
        status=STATUSES[step],
        occurred_at=store.now,
        expected_at=detail.expected_at or (await _expected_at(order, store) if step is Step.ACKNOWLEDGE else None),
        quantity=detail.quantity,
        reason=detail.reason,
        tracking=detail.tracking,
    )
    applied = await apply_update(update, store)
    if applied.decision is None:
        raise StepRefusedError(order, "This answer was already received and not accepted.")
    if applied.decision.decision is None:
        raise StepRefusedError(order, applied.decision.reason)
    answered = applied.decision.decision.order
    if not is_done(step, answered) and answered.state is not State.PLACED:
        raise StepRefusedError(answered, f"The order is {answered.state}.")
    return answered, applied.events


async def _expected_at(order: Order, store: OrderStore) -> datetime | None:
    """Return the delivery date by the shop's lead time, moved to one of its working days; None without a lead time."""
    provider = await store.find_provider(order.provider_id)
    if provider is None or provider.lead_time_days is None:
        return None
    return next_day(read_terms(provider.account), store.now + timedelta(days=provider.lead_time_days))
