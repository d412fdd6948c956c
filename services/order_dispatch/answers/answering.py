"""Answers of shops and customers about orders: which are possible in a state, and their effects."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from replenish_contracts.catalogue import Event
from replenish_contracts.events import OrderUpdated, UpdateLine, UpdateStatus
from replenish_contracts.units import format_quantity
from services.order_dispatch.domain.cancellation import TooLateError, cancel
from services.order_dispatch.domain.lines import WITHOUT_GOODS_LINE, Cancellation
from services.order_dispatch.domain.order import Order, Responder
from services.order_dispatch.domain.promises import zone_of
from services.order_dispatch.domain.reports import Outcome
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


def is_done(step: Step, order: Order, line_ids: Collection[str] = ()) -> bool:
    """Return whether an answer about the order, or about these lines, has no further effect."""
    if not line_ids:
        return order.state in _DONE_IN[step] and (step is not Step.SHIP or order.has_all_left)
    lines = [order.find_line(line_id) for line_id in line_ids]
    if step is Step.SHIP:
        return all(line.has_left and not line.is_to_leave for line in lines)
    if step in (Step.REFUSE, Step.NO):
        return all(line.state in WITHOUT_GOODS_LINE for line in lines)
    if step in (Step.DELIVER, Step.ARRIVED):
        return all(not line.is_open and line.has_left for line in lines)
    return order.state in _DONE_IN[step]


def refusal_of(step: Step, order: Order) -> str | None:
    """Return why an answer is no longer possible, as shown on the page, or None if it is possible."""
    if is_done(step, order) or order.state in (State.PLACING, State.PLACED, State.UNKNOWN):
        return None
    if order.state is State.SHIPPED:
        possible = step in (Step.DELIVER, Step.ARRIVED) or not order.has_all_left
        return None if possible else "The order has already been sent."
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
    #: Quantity shipped or delivered, in base steps; only for an order of one line.
    quantity: int | None = None
    expected_at: datetime | None = None
    expected_date: date | None = None
    #: The lines that the answer is about, with their quantities in base steps; empty for all.
    lines: tuple[UpdateLine, ...] = ()
    #: The shop's id of the parcel, for goods that leave in several.
    shipment_id: str | None = None

    @property
    def line_ids(self) -> tuple[str, ...]:
        return tuple(line.line_id for line in self.lines)


async def find_answerable(order_id: str, step: Step, store: OrderStore, *, lock: bool = False) -> Order | None:
    """Return the order if its responder may give this answer; None before the order was submitted to them."""
    order = await (store.lock_order(order_id) if lock else store.find_order(order_id))
    return None if order is None or order.responder is not responder_of(step) or order.state in NOT_SUBMITTED else order


async def take_answer(order: Order, step: Step, detail: AnswerDetail, store: OrderStore) -> tuple[Order, list[Event]]:
    """Apply an answer to a locked order; return the order and the events to publish. Repetitions change nothing.

    Raises StepRefusedError if the answer is not possible, ConflictingAnswerError if repeated with another quantity,
    NoSuchLineError.
    """
    if is_done(step, order, detail.line_ids):
        await _check_quantities(order, step, detail, store)
        return order, []
    refusal = refusal_of(step, order)
    if refusal is not None:
        raise StepRefusedError(order, refusal)
    if step in STATUSES:
        return await _apply_as_update(order, step, detail, store)
    try:
        if step is Step.NO:
            reason = detail.reason or "the customer skipped the order"
            decision = cancel(order, Cancellation("customer", reason, store.now), detail.line_ids)
        else:
            decision = extend_deadline(order, store.timeouts, store.now)
    except TooLateError as error:
        raise StepRefusedError(order, str(error)) from error
    return decision.order, await apply_decision(decision, store)


async def _check_quantities(order: Order, step: Step, detail: AnswerDetail, store: OrderStore) -> None:
    if step not in (Step.SHIP, Step.DELIVER):
        return
    quantities = {line.line_id: line.quantity for line in detail.lines}
    if detail.quantity is not None:
        quantities[order.find_line(None).line_id] = detail.quantity
    for line_id, quantity in quantities.items():
        line = order.find_line(line_id)
        reported = await store.find_reported_quantity(order, STATUSES[step], line_id)
        if reported is None:
            reported = line.shipped_or_ordered_quantity
        # The total of a line that left in parts is reported once per part.
        if quantity not in (None, reported, line.shipped_quantity) and detail.shipment_id is None:
            amount = f"{format_quantity(reported, line.scale)} {line.unit.value}"
            raise ConflictingAnswerError(order, f"The quantity was already reported as {amount} and cannot be changed.")


async def _apply_as_update(
    order: Order, step: Step, detail: AnswerDetail, store: OrderStore
) -> tuple[Order, list[Event]]:
    needs_date = step is Step.ACKNOWLEDGE and detail.expected_date is None
    update = OrderUpdated(
        provider_id=order.provider_id,
        update_id=_update_id(order, step, detail),
        order_id=order.order_id,
        status=STATUSES[step],
        occurred_at=store.now,
        expected_at=detail.expected_at or (await _usual_date(order, store) if needs_date else None),
        expected_date=detail.expected_date,
        quantity=detail.quantity,
        reason=detail.reason,
        tracking=detail.tracking,
        lines=detail.lines,
        shipment_id=detail.shipment_id,
    )
    applied = await apply_update(update, store)
    if applied.decision is None:
        raise StepRefusedError(order, "This answer was already received and not accepted.")
    if applied.decision.decision is None:
        raise StepRefusedError(order, applied.decision.reason)
    answered = applied.decision.decision.order
    if applied.decision.outcome is not Outcome.APPLIED:
        raise StepRefusedError(answered, applied.decision.reason)
    is_answered = is_done(step, answered, detail.line_ids) or answered.state in (State.PLACED, State.SHIPPED)
    if not is_answered:
        raise StepRefusedError(answered, f"The order is {answered.state}.")
    return answered, applied.events


def _update_id(order: Order, step: Step, detail: AnswerDetail) -> str:
    """Return an id with the order's step, so that an answer can be given again after the order changed.

    An answer about some lines or one parcel has an id of its own.
    """
    update_id = f"{step}-{order.step}-{order.order_id}"
    if not detail.lines and detail.shipment_id is None:
        return update_id
    parts = [detail.shipment_id or "", *(line.model_dump_json() for line in detail.lines)]
    return f"{update_id}-{sha256('|'.join(parts).encode()).hexdigest()[:16]}"


async def _usual_date(order: Order, store: OrderStore) -> datetime | None:
    """Return the time of delivery by the shop's lead time, None if it has none.

    It is moved to one of the shop's working days, as they are where the customer lives.
    """
    provider = await store.find_provider(order.provider_id)
    if provider is None or provider.lead_time_days is None:
        return None
    zone = zone_of(await store.get_time_zone(order.customer_id))
    at = store.now + timedelta(days=provider.lead_time_days)
    return next_day(read_terms(provider.account), at.astimezone(zone)).astimezone(UTC)
