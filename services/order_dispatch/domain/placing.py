"""From an approved reorder to a submitted order: draft, stock, payment, submission."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from replenish_contracts.events import (
    AllocationLine,
    AllocationRequested,
    Fault,
    OrderDrafted,
    OrderRefused,
    ReorderApproved,
    Shortage,
)
from replenish_contracts.units import format_quantity
from services.order_dispatch.domain.cancellation import fail, withdraw
from services.order_dispatch.domain.order import Cancellation, Decision, Order, ProviderRequest, Responder, Transition
from services.order_dispatch.domain.provider import DeviceStatus, Offer, Provider, Slot, price_of
from services.order_dispatch.domain.states import State
from services.order_dispatch.domain.timeouts import Timeouts


def draft(
    approved: ReorderApproved,
    slot: Slot,
    provider: Provider | None,
    offer: Offer | None,
    at: datetime,
    flagged_order_id: str | None = None,
) -> Decision:
    """Draft the order, and close it at once if it can never be placed.

    `flagged_order_id` is an order of the same pool that is flagged as fraud.
    """
    order = replace(_new_order(approved, slot, offer, at), test=provider is not None and provider.test)
    drafted = OrderDrafted(
        **order.fields(at), packs=order.packs, quantity=order.quantity, price=order.price, currency=order.currency
    )
    decision = Decision(order, (Transition(1, None, State.DRAFTED, at, "reorder approved"),), (drafted,))
    closed: Decision | None = None
    if slot.device is DeviceStatus.LEFT or slot.customer_id != approved.customer_id:
        reason = "the device was deregistered before the order was placed"
        closed = withdraw(order, Cancellation("deregistration", reason, at))
    elif provider is None:
        closed = fail(order, f"there is no provider {order.provider_id}", at)
    elif not provider.active:
        closed = fail(order, f"{provider.name} is not active", at)
    elif flagged_order_id is not None:
        # notification and portal recognise "taken for fraud".
        closed = fail(order, f"order {flagged_order_id} of this pool is taken for fraud", at, Fault.FRAUD)
    if closed is None:
        return decision
    return Decision(closed.order, decision.transitions + closed.transitions, decision.events + closed.events)


def _new_order(approved: ReorderApproved, slot: Slot, offer: Offer | None, at: datetime) -> Order:
    price = None if offer is None else price_of(approved.packs, approved.pack_size, slot, offer)
    return Order(
        order_id=approved.order_id,
        customer_id=approved.customer_id,
        product_id=approved.product_id,
        pool_id=approved.pool_id,
        provider_id=approved.provider_id,
        device_id=slot.device_id,
        slot=slot.slot,
        packs=approved.packs,
        pack_size=approved.pack_size,
        quantity=approved.quantity,
        unit=slot.unit,
        scale=slot.scale,
        receipt_id=approved.receipt_id,
        drafted_at=at,
        price=price,
        currency=offer.currency if offer and price is not None else None,
        needed_by=approved.needed_by,
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
        packs = f"packs of {format_quantity(order.pack_size, order.scale)}"
        return fail(order, f"{order.provider_id} has no price for {packs}, so the order cannot be paid", at)
    if plan.reserves and not order.test and order.reserved_at is None:
        decision = Decision(order).move_to(State.RESERVING, at, "reserving stock")
        lines = (AllocationLine(product_id=order.product_id, quantity=order.quantity),)
        return decision.publish(AllocationRequested(**order.fields(at), lines=lines))
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


def refuse_by_terms(order: Order, reason: str, at: datetime) -> Decision:
    return Decision(order).move_to(State.REFUSED, at, reason).publish(OrderRefused(**order.fields(at), reason=reason))


def refuse_for_shortage(order: Order, shortages: Iterable[Shortage], at: datetime) -> Decision:
    """Refuse an order that inventory cannot allocate; the reason has the available quantity and the restock date."""
    reason = "; ".join(_describe_shortage(shortage, order) for shortage in shortages)[:2000] or "out of stock"
    return Decision(order).move_to(State.REFUSED, at, reason).publish(OrderRefused(**order.fields(at), reason=reason))


def _describe_shortage(shortage: Shortage, order: Order) -> str:
    requested, available = (format_quantity(steps, order.scale) for steps in (shortage.requested, shortage.available))
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
