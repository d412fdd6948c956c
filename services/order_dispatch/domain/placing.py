"""From an approved reorder to a submitted order: draft, stock, payment, submission."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from replenish_contracts.catalogue import MAX_TEXT
from replenish_contracts.events import (
    AllocationLine,
    AllocationRequested,
    Fault,
    OrderDrafted,
    ReorderApproved,
    ReorderLine,
    Shortage,
)
from replenish_contracts.units import MOST_STEPS, format_quantity
from services.order_dispatch.domain.cancellation import end_lines, fail, withdraw
from services.order_dispatch.domain.lines import Cancellation, LineState, OrderLine
from services.order_dispatch.domain.order import Decision, Order, ProviderRequest, Responder, Transition
from services.order_dispatch.domain.provider import DeviceStatus, Offer, Provider, Slot, price_of
from services.order_dispatch.domain.states import State
from services.order_dispatch.domain.timeouts import Timeouts


@dataclass(frozen=True, slots=True)
class DraftLine:
    """An approved line with the slot that it is for, after replacements, and the provider's offer."""

    line: ReorderLine
    slot: Slot
    offer: Offer | None
    #: An order of the same pool that is flagged as fraud.
    flagged_order_id: str | None = None


def draft(
    approved: ReorderApproved,
    order_id: str,
    lines: Sequence[DraftLine],
    provider: Provider | None,
    at: datetime,
    fee: Callable[[int, str], int] | None = None,
) -> Decision:
    """Draft an order of these lines of the approved reorder, and close what can never be placed.

    `fee` returns the delivery fee for a price and currency, in minor units.
    """
    order = replace(_new_order(approved, order_id, lines, at), test=provider is not None and provider.test)
    if fee is not None and order.price and order.currency and (charged := fee(order.price, order.currency)):
        order = replace(order, fee=charged, price=order.price + charged)
    drafted = OrderDrafted(**order.agreed_fields(at), price=order.price, currency=order.currency, fee=order.fee or None)
    decision = Decision(order, (Transition(1, None, State.DRAFTED, at, "reorder approved"),), (drafted,))
    return _close_at_draft(decision, lines, provider, approved.customer_id, at)


def _close_at_draft(
    decision: Decision, lines: Sequence[DraftLine], provider: Provider | None, customer_id: str, at: datetime
) -> Decision:
    """Close the lines that can never be placed, and the order if that is all of them or its provider takes none."""
    order = decision.order
    left = {
        drafted.line.line_id
        for drafted in lines
        if drafted.slot.device is DeviceStatus.LEFT or drafted.slot.customer_id != customer_id
    }
    if len(left) == len(lines) or (left and provider is not None and provider.active):
        reason = "the device was deregistered before the order was placed"
        ended = [line for line in order.lines if line.line_id in left]
        decision = decision.then(withdraw(order, Cancellation("deregistration", reason, at), ended))
        order = decision.order
    if not order.open_lines:
        return decision
    if provider is None:
        return decision.then(fail(order, f"there is no provider {order.provider_id}", at))
    if not provider.active:
        return decision.then(fail(order, f"{provider.name} is not active", at))
    flagged = {drafted.line.line_id: drafted.flagged_order_id for drafted in lines if drafted.flagged_order_id}
    ended = [line for line in order.open_lines if line.line_id in flagged]
    if not ended:
        return decision
    # notification and portal recognise "taken for fraud".
    reason = f"order {flagged[ended[0].line_id]} of this pool is taken for fraud"
    if len(ended) == len(order.open_lines):
        return decision.then(fail(order, reason, at, Fault.FRAUD))
    return decision.then(withdraw(order, Cancellation("fraud", reason, at), ended))


def _new_order(approved: ReorderApproved, order_id: str, lines: Sequence[DraftLine], at: datetime) -> Order:
    currencies = {drafted.offer.currency for drafted in lines if drafted.offer is not None}
    has_one_currency = len(currencies) == 1
    new_lines = tuple(_new_line(drafted, is_priced=has_one_currency) for drafted in lines)
    prices = [line.price for line in new_lines]
    price = None if None in prices else sum(price for price in prices if price is not None)
    if price is not None and price > MOST_STEPS:
        price = None
    return Order(
        order_id=order_id,
        customer_id=approved.customer_id,
        provider_id=approved.provider_id,
        lines=new_lines,
        drafted_at=at,
        price=price,
        currency=currencies.pop() if price is not None else None,
        needed_by=approved.needed_by,
    )


def _new_line(drafted: DraftLine, *, is_priced: bool) -> OrderLine:
    line, slot, offer = drafted.line, drafted.slot, drafted.offer
    price = price_of(line.packs, line.pack_size, slot, offer) if offer is not None and is_priced else None
    return OrderLine(
        line_id=line.line_id,
        product_id=line.product_id,
        pool_id=line.pool_id,
        device_id=slot.device_id,
        slot=slot.slot,
        packs=line.packs,
        pack_size=line.pack_size,
        quantity=line.quantity,
        unit=slot.unit,
        scale=slot.scale,
        receipt_id=line.receipt_id,
        epoch=line.epoch,
        unit_price=None if offer is None or price is None else offer.price,
    )


@dataclass(frozen=True, slots=True)
class FulfilmentPlan:
    """The steps that an order from a provider needs."""

    #: Stock is kept here and reserved before the order is submitted.
    reserves: bool = False
    #: The payment is collected here.
    pays: bool = False
    #: Requests are HTTP calls; otherwise they are events.
    calls: bool = False
    #: The person who accepts the order, if no program does.
    responder: Responder | None = None


def next_step(order: Order, plan: FulfilmentPlan, timeouts: Timeouts, at: datetime) -> Decision:
    """Take the next step towards submission: reserve stock, authorize the payment, submit.

    Test orders skip stock and payment. An order that is paid here and has no price fails.
    """
    if plan.pays and order.price is None and not order.test:
        return fail(order, f"{order.provider_id} has no price for {_unpriced(order)}, so the order cannot be paid", at)
    if plan.reserves and not order.test and order.reserved_at is None:
        decision = Decision(order).move_to(State.RESERVING, at, "reserving stock")
        lines = tuple(
            AllocationLine(product_id=line.product_id, quantity=line.quantity, line_id=line.line_id)
            for line in order.open_lines
        )
        return decision.publish(AllocationRequested(**order.reference_fields(at), lines=lines))
    if plan.pays and order.price and not order.test and order.authorized_at is None:
        return Decision(order).move_to(State.AUTHORIZING, at, "authorizing the payment")
    if plan.responder is not None:
        return submit_to_person(order, plan.responder, timeouts, at)
    return submit(order, timeouts, at, called=plan.calls)


def is_ready(order: Order) -> bool:
    completed_at = {
        State.DRAFTED: order.drafted_at,
        State.RESERVING: order.reserved_at,
        State.AUTHORIZING: order.authorized_at,
    }
    return completed_at.get(order.state) is not None


def _unpriced(order: Order) -> str:
    """Name the packs of the first line without a price; lines in several currencies have no common price."""
    line = next((line for line in order.lines if line.unit_price is None), None)
    if line is None or (len(order.lines) > 1 and all(other.unit_price is None for other in order.lines)):
        return "all lines in one currency"
    packs = f"packs of {format_quantity(line.pack_size, line.scale)}"
    return packs if len(order.lines) == 1 else f"{line.product_id} in {packs}"


def refuse_by_terms(order: Order, reason: str, at: datetime) -> Decision:
    end = Cancellation(order.provider_id, reason, at)
    return end_lines(Decision(order), order.open_lines, LineState.REFUSED, end, reason)


def refuse_for_shortage(order: Order, shortages: Iterable[Shortage], at: datetime) -> Decision:
    """Refuse an order that inventory cannot allocate; the reason has the available quantity and the restock date."""
    reason = "; ".join(_describe_shortage(shortage, order) for shortage in shortages)[:MAX_TEXT] or "out of stock"
    return refuse_by_terms(order, reason, at)


def _describe_shortage(shortage: Shortage, order: Order) -> str:
    scale = next((line.scale for line in order.lines if line.product_id == shortage.product_id), order.lines[0].scale)
    requested, available = (format_quantity(steps, scale) for steps in (shortage.requested, shortage.available))
    restock = f"restock on {shortage.restock_at:%Y-%m-%d}" if shortage.restock_at else "restock date unknown"
    return f"{shortage.product_id}: {requested} ordered, {available} available, {restock}"


def submit(order: Order, timeouts: Timeouts, at: datetime, *, called: bool = False) -> Decision:
    """Submit the order and set the deadline of the reply; with `called`, it counts as sent only after the call."""
    waiting = replace(order, sent_at=None if called else at, check_at=at + timedelta(hours=timeouts.answer_hours))
    return Decision(waiting).move_to(State.PLACING, at, "submitting to the provider").request(ProviderRequest.SUBMIT)


def submit_to_person(order: Order, responder: Responder, timeouts: Timeouts, at: datetime) -> Decision:
    waiting = replace(
        order,
        responder=responder,
        sent_at=at,
        check_at=at + timedelta(hours=min(timeouts.reminder_hours, timeouts.deadline_hours)),
        answer_by=at + timedelta(hours=timeouts.deadline_hours),
    )
    because = f"waiting for the {responder} to accept"
    return Decision(waiting).move_to(State.PLACING, at, because).request(ProviderRequest.SUBMIT)


def reason_not_to_submit(order: Order, timeouts: Timeouts, at: datetime) -> str | None:
    """Return why an order that the provider cannot have yet must no longer be submitted, else None."""
    if order.state is not State.PLACING:
        return f"the order is {order.state}"
    if order.cancellation is not None:
        return f"cancelled: {order.cancellation.by}"
    if order.check_at is None or order.check_at <= at:
        return f"{order.provider_id} could not be reached for {timeouts.answer_hours:g} hours"
    return None


def end_unsubmitted(order: Order, reason: str, at: datetime) -> Decision:
    if order.cancellation is not None:
        return withdraw(order, order.cancellation)
    return fail(order, reason, at)


def record_reply(order: Order, reference: str | None, timeouts: Timeouts, at: datetime) -> Decision:
    """Record that the provider replied, before the reply's status is applied; a first reply restarts the deadline."""
    replied = replace(order, reference=reference or order.reference)
    if order.state is State.PLACING and order.sent_at is None:
        replied = replace(replied, sent_at=at, check_at=at + timedelta(hours=timeouts.answer_hours))
    return Decision(replied)
