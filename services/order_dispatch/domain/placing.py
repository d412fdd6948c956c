"""From an approved reorder to a submitted order: draft, stock, payment, then the provider."""

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
    suspected: str | None = None,
) -> Decision:
    """Make the order; where it can never be placed it ends at once, with the reason.

    `suspected` is the order of this pool that an operator takes for fraud.
    """
    order = replace(_order(approved, slot, offer, at), test=provider is not None and provider.test)
    decision = Decision(order, (Transition(1, None, State.DRAFTED, at, "reorder approved"),))
    decision = decision.publish(
        OrderDrafted(
            **order.fields(at),
            packs=order.packs,
            quantity=order.quantity,
            price=order.price,
            currency=order.currency,
        )
    )
    if slot.device is DeviceStatus.LEFT or slot.customer_id != approved.customer_id:
        wish = Cancellation("deregistration", "the device left before the order was placed", at)
        return _followed_by(decision, withdraw(order, wish))
    if provider is None:
        return _followed_by(decision, fail(order, f"there is no provider {order.provider_id}", at))
    if not provider.active:
        return _followed_by(decision, fail(order, f"{provider.name} is not active", at))
    if suspected is not None:
        return _followed_by(
            decision, fail(order, f"order {suspected} of this pool is taken for fraud", at, Fault.FRAUD)
        )
    return decision


def _order(approved: ReorderApproved, slot: Slot, offer: Offer | None, at: datetime) -> Order:
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


def _followed_by(first: Decision, second: Decision) -> Decision:
    return Decision(
        second.order,
        first.transitions + second.transitions,
        first.events + second.events,
        first.requests + second.requests,
    )


@dataclass(frozen=True, slots=True)
class FulfilmentPlan:
    """What ordering from a provider needs."""

    #: We keep its stock: goods are set aside before it is asked.
    reserves: bool = False
    #: We take its customers' money.
    pays: bool = False
    #: Its server is called; otherwise it is told by events.
    calls: bool = False
    #: A person is asked, not a program.
    responder: Responder | None = None


def next_step(order: Order, way: FulfilmentPlan, timeouts: Timeouts, at: datetime) -> Decision:
    """Take the next step towards the provider; a rehearsal needs neither goods nor money.

    Nothing leaves unpaid: where we take the money, an order whose price nobody knows fails.
    """
    if way.pays and order.price is None and not order.test:
        reason = f"{order.provider_id} names no price for packs of {format_quantity(order.pack_size, order.scale)}"
        return fail(order, f"{reason}, so that it cannot be paid", at)
    if way.reserves and not order.test and order.reserved_at is None:
        decision = Decision(order).move_to(State.RESERVING, at, "its goods are to be set aside")
        lines = (AllocationLine(product_id=order.product_id, quantity=order.quantity),)
        return decision.publish(AllocationRequested(**order.fields(at), lines=lines))
    if way.pays and order.price and not order.test and order.authorized_at is None:
        return Decision(order).move_to(State.AUTHORIZING, at, "its payment is to be authorized")
    if way.responder is not None:
        return submit_to_person(order, way.responder, timeouts, at)
    return submit(order, timeouts, at, called=way.calls)


def refuse_by_terms(order: Order, reason: str, at: datetime) -> Decision:
    """End a drafted order that its provider's own terms rule out."""
    return Decision(order).move_to(State.REFUSED, at, reason).publish(OrderRefused(**order.fields(at), reason=reason))


def is_ready(order: Order) -> bool:
    """Tell whether nothing is awaited before the next step."""
    waited_for = {State.DRAFTED: order.drafted_at, State.RESERVING: order.reserved_at}
    return (waited_for | {State.AUTHORIZING: order.authorized_at}).get(order.state) is not None


def refuse_for_shortage(order: Order, shortages: Iterable[Shortage], at: datetime) -> Decision:
    """End an order whose goods are not there, and say what there is and when there will be more."""
    reason = "; ".join(_describe_shortage(one, order) for one in shortages)[:2000] or "the goods are not there"
    return Decision(order).move_to(State.REFUSED, at, reason).publish(OrderRefused(**order.fields(at), reason=reason))


def _describe_shortage(short: Shortage, order: Order) -> str:
    wanted, there = (format_quantity(steps, order.scale) for steps in (short.requested, short.available))
    more = f"more on {short.restock_at:%Y-%m-%d}" if short.restock_at else "no date for more"
    return f"{short.product_id}: {wanted} wanted, {there} available, {more}"


def reason_not_to_submit(order: Order, timeouts: Timeouts, at: datetime) -> str | None:
    """Return why an order that its provider certainly has not got is not to be submit any more, if that is so."""
    if order.state is not State.PLACING:
        return f"the order is {order.state}"
    if order.cancellation is not None:
        return f"cancelled: {order.cancellation.by}"
    if order.check_at is None or order.check_at <= at:
        return f"{order.provider_id} could not be reached for {timeouts.answer_hours:g} hours"
    return None


def end_unsubmitted(order: Order, reason: str, at: datetime) -> Decision:
    """End an order that the provider certainly never got."""
    if order.cancellation is not None:
        return withdraw(order, order.cancellation)
    return fail(order, reason, at)


def record_reply(order: Order, reference: str | None, timeouts: Timeouts, at: datetime) -> Decision:
    """Note that the provider answered; what it answered is heard after this."""
    reached = replace(order, reference=reference or order.reference)
    if order.state is State.PLACING and order.sent_at is None:
        reached = replace(reached, sent_at=at, check_at=at + timedelta(hours=timeouts.answer_hours))
    return Decision(reached)


def submit(order: Order, timeouts: Timeouts, at: datetime, *, called: bool = False) -> Decision:
    """ProviderRequest the provider to deliver, and await its answer; one that is `called` has not been reached yet."""
    waiting = replace(order, sent_at=None if called else at, check_at=at + timedelta(hours=timeouts.answer_hours))
    return Decision(waiting).move_to(State.PLACING, at, "submit to the provider").request(ProviderRequest.SUBMIT)


def submit_to_person(order: Order, responder: Responder, timeouts: Timeouts, at: datetime) -> Decision:
    """Submit the order to a person and set the times of the reminder and the deadline."""
    waiting = replace(
        order,
        responder=responder,
        sent_at=at,
        check_at=at + timedelta(hours=min(timeouts.reminder_hours, timeouts.deadline_hours)),
        answer_by=at + timedelta(hours=timeouts.deadline_hours),
    )
    return Decision(waiting).move_to(State.PLACING, at, f"the {responder} is asked").request(ProviderRequest.SUBMIT)
