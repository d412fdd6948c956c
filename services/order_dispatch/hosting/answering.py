"""Takes a person's answer about an order; it becomes the usual update of the provider's, judged like any."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from replenish_contracts.catalogue import Event
from replenish_contracts.events import OrderUpdated
from replenish_contracts.units import format_quantity
from services.order_dispatch.acting import carry_out, hear_update
from services.order_dispatch.domain import (
    INSIDE,
    Cancellation,
    Order,
    State,
    TooLateError,
    Turn,
    ask_to_cancel,
    put_off,
)
from services.order_dispatch.hosting.steps import (
    STATUSES,
    ConflictingAnswerError,
    Step,
    StepRefusedError,
    is_there,
    keeper_of,
    why_not,
)
from services.order_dispatch.providers import hosted
from services.order_dispatch.store import Store


@dataclass(frozen=True, slots=True)
class Detail:
    """What may go with an answer."""

    reason: str | None = None
    tracking: str | None = None
    #: What really leaves, in base steps.
    quantity: int | None = None
    expected_at: datetime | None = None


async def find_kept(order_id: str, step: Step, store: Store, *, lock: bool = False) -> Order | None:
    """Return an order that this answer can be about; one that nobody was asked about yet is not there for them."""
    order = await (store.lock_order(order_id) if lock else store.find_order(order_id))
    return None if order is None or order.keeper is not keeper_of(step) or order.state in INSIDE else order


async def take_answer(order: Order, step: Step, detail: Detail, store: Store) -> tuple[Order, list[Event]]:
    """Return a locked order after the answer, and what is said; raises StepRefusedError.

    The same answer again is harmless.
    """
    if is_there(step, order):
        await _hold_to(order, step, detail, store)
        return order, []
    refusal = why_not(step, order)
    if refusal is not None:
        raise StepRefusedError(order, refusal)
    if step in STATUSES:
        return await _hear(order, step, detail, store)
    try:
        wish = Cancellation("customer", detail.reason or "the customer does not order it", store.now)
        turn = ask_to_cancel(order, wish) if step is Step.NO else put_off(order, store.patience, store.now)
    except TooLateError as error:
        raise StepRefusedError(order, str(error)) from error
    return turn.order, await carry_out(turn, store)


async def _hold_to(order: Order, step: Step, detail: Detail, store: Store) -> None:
    """Raise ConflictingAnswerError where an answer that stands was about another quantity than it is now."""
    if step not in (Step.SHIP, Step.DELIVER) or detail.quantity is None:
        return
    said = await store.find_said_quantity(order.order_id, order.provider_id, STATUSES[step])
    stands = order.sent_quantity if said is None else said
    if detail.quantity != stands:
        amount = f"{format_quantity(stands, order.scale)} {order.unit.value}"
        raise ConflictingAnswerError(order, f"{amount} was said before, and that stands.")


async def _hear(order: Order, step: Step, detail: Detail, store: Store) -> tuple[Order, list[Event]]:
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
    heard = await hear_update(update, store)
    if heard.verdict is None or heard.verdict.turn is None:
        raise StepRefusedError(
            order, heard.verdict.reason if heard.verdict else "This was answered before, and not taken."
        )
    return _after(heard.verdict.turn, step), heard.said


def _after(turn: Turn, step: Step) -> Order:
    if not is_there(step, turn.order) and turn.order.state is not State.PLACED:
        raise StepRefusedError(turn.order, f"The order is {turn.order.state}.")
    return turn.order


async def _expected(order: Order, step: Step, store: Store) -> datetime | None:
    """Return when a shop's goods come by its own lead time, on one of its days; None where it has none."""
    if step is not Step.ACKNOWLEDGE:
        return None
    provider = await store.find_provider(order.provider_id)
    if provider is None or provider.lead_time_days is None:
        return None
    return hosted.next_day(hosted.read_terms(provider.account), store.now + timedelta(days=provider.lead_time_days))
