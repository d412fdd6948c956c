"""What a provider's update does to an order; updates may arrive in any order and repeatedly."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from replenish_contracts.events import (
    Evidence,
    OrderCancelled,
    OrderFailed,
    OrderPlaced,
    OrderRefused,
    OrderUpdated,
    UpdateStatus,
)
from replenish_contracts.units import CURRENCIES
from services.order_dispatch.domain.delivery import record_delivery, record_shipment
from services.order_dispatch.domain.order import Cancellation, Decision, Order, ProviderRequest
from services.order_dispatch.domain.provider import RESOLUTION_HOURS, Provider
from services.order_dispatch.domain.states import (
    CLOSED,
    NOT_SUBMITTED,
    SUBMITTED,
    State,
    delivery_states_between,
)
from services.order_dispatch.domain.timeouts import Timeouts

#: Reported dates may lack a time of day, so a date on the day of the order can be earlier than the order.
DATE_TOLERANCE = timedelta(days=1)
#: Providers may ship other packs than ordered; a factor of 1,000 means milligrams for grams.
IMPLAUSIBLE_FACTOR = 1000
_WITH_QUANTITY = frozenset({UpdateStatus.SHIPPED, UpdateStatus.DELIVERED})
_WITH_GOODS = _WITH_QUANTITY | {UpdateStatus.ACCEPTED}


class Outcome(StrEnum):
    """What became of a provider's update."""

    APPLIED = "applied"
    #: Without effect on the order's state, for the stored reason.
    NOT_APPLIED = "not_applied"
    #: From another provider, for another product or with an implausible quantity.
    REFUSED = "refused"
    #: For an unknown order.
    UNMATCHED = "unmatched"


@dataclass(frozen=True, slots=True)
class UpdateDecision:
    """Outcome of an update, and the decision about the order if there is one."""

    outcome: Outcome
    reason: str = ""
    decision: Decision | None = None


@dataclass(frozen=True, slots=True)
class UpdateContext:
    """One update with everything that the rules need."""

    order: Order
    update: OrderUpdated
    provider: Provider | None
    timeouts: Timeouts
    #: When the update is applied; `update.occurred_at` is the provider's time.
    now: datetime
    #: Older than an applied update of the same status: it adds missing values and overwrites none.
    is_stale: bool = False

    @property
    def because(self) -> str:
        return f"{self.update.provider_id} reported {self.update.status} ({self.update.update_id})"

    @property
    def reason(self) -> str:
        return self.update.reason or "no reason given"


def decide_update(
    order: Order | None,
    update: OrderUpdated,
    provider: Provider | None,
    timeouts: Timeouts,
    at: datetime,
    newest: datetime | None = None,
) -> UpdateDecision:
    """Decide an update with a new id; `newest` is when the latest applied one of the same status occurred."""
    if order is None:
        return UpdateDecision(Outcome.UNMATCHED, "no such order")
    if order.provider_id != update.provider_id:
        return UpdateDecision(Outcome.REFUSED, "the order belongs to another provider")
    if order.state in CLOSED:
        return UpdateDecision(Outcome.NOT_APPLIED, f"the order is already {order.state}")
    if order.state in NOT_SUBMITTED:
        return UpdateDecision(Outcome.NOT_APPLIED, "the order has not been submitted to the provider")
    context = UpdateContext(
        order, update, provider, timeouts, at, is_stale=newest is not None and update.occurred_at < newest
    )
    return _refuse_substitute(context) or _refuse_quantity(context) or _RULES[update.status](context)


def _refuse_substitute(context: UpdateContext) -> UpdateDecision | None:
    """Refuse a substitute unless the provider may choose one, and request the cancellation of the order."""
    order, product_id = context.order, context.update.product_id
    if product_id in (None, order.product_id) or context.update.status not in _WITH_GOODS:
        return None
    if context.provider is not None and context.provider.allows_substitutes:
        return None
    reason = f"{order.provider_id} may not send {product_id} instead of {order.product_id}"
    if order.state not in SUBMITTED or order.cancellation is not None:
        return UpdateDecision(Outcome.REFUSED, reason)
    cancellation = Cancellation("substitution", reason[:2000], context.now)
    decision = Decision(replace(order, cancellation=cancellation)).request(ProviderRequest.CANCEL)
    return UpdateDecision(Outcome.REFUSED, reason, decision)


def _refuse_quantity(context: UpdateContext) -> UpdateDecision | None:
    ordered, reported = context.order.quantity, context.update.quantity
    if reported is None or context.update.status not in _WITH_QUANTITY or reported < IMPLAUSIBLE_FACTOR * ordered:
        return None
    return UpdateDecision(
        Outcome.REFUSED, f"implausible quantity: {ordered} ordered, {reported} reported, in steps of the order's unit"
    )


def _accept(context: UpdateContext) -> UpdateDecision:
    if context.order.state is State.SHIPPED:
        return UpdateDecision(Outcome.NOT_APPLIED, "the order is already shipped")
    decision = _advance_to(context, State.PLACED)
    if context.order.state is State.UNKNOWN and context.order.cancellation is not None:
        # The first cancel request may have reached the provider before the order did.
        decision = decision.request(ProviderRequest.CANCEL)
    return UpdateDecision(Outcome.APPLIED, "", decision)


def _ship(context: UpdateContext) -> UpdateDecision:
    order, update = context.order, context.update
    if order.state is State.SHIPPED and update.quantity not in (None, order.shipped_or_ordered_quantity):
        return UpdateDecision(Outcome.NOT_APPLIED, "the order is already shipped with another quantity")
    return UpdateDecision(Outcome.APPLIED, "", _advance_to(context, State.SHIPPED))


def _deliver(context: UpdateContext) -> UpdateDecision:
    shipped = _advance_to(context, State.SHIPPED)
    # A reported time in the future or before the order is a clock error.
    delivered_at = max(context.order.drafted_at, min(context.update.occurred_at, context.now))
    decision = record_delivery(
        shipped, Evidence.REPORTED, context.now, because=context.because, delivered_at=delivered_at
    )
    return UpdateDecision(Outcome.APPLIED, "", decision)


def _refuse(context: UpdateContext) -> UpdateDecision:
    if context.order.state is State.PLACED:  # an accepted order is cancelled, not refused
        return _cancel(context)
    if context.order.state is State.SHIPPED:
        return UpdateDecision(Outcome.NOT_APPLIED, "the order is already shipped")
    refused = OrderRefused(**context.order.fields(context.now), reason=context.reason)
    return UpdateDecision(Outcome.APPLIED, "", _close(context, State.REFUSED).publish(refused))


def _cancel(context: UpdateContext) -> UpdateDecision:
    order = context.order
    if order.state is State.SHIPPED:
        return UpdateDecision(Outcome.NOT_APPLIED, "the order is already shipped")
    requested = order.cancellation
    by, reason = (requested.by, requested.reason) if requested else ("provider", context.reason)
    cancelled = OrderCancelled(**order.fields(context.now), by=by, reason=reason)
    return UpdateDecision(Outcome.APPLIED, "", _close(context, State.CANCELLED).publish(cancelled))


def _await_resolution(context: UpdateContext) -> UpdateDecision:
    order = context.order
    if order.state not in (State.PLACING, State.UNKNOWN):
        return UpdateDecision(Outcome.NOT_APPLIED, f"the order is already {order.state}")
    hours = context.provider.resolution_hours if context.provider else RESOLUTION_HOURS
    until = order.resolve_by or context.now + timedelta(hours=hours)
    # Status requests for an unknown order continue: the update that ends the problem may be lost.
    check_at = until if order.state is State.PLACING else min(order.check_at or until, until)
    return UpdateDecision(Outcome.APPLIED, "", Decision(replace(order, resolve_by=until, check_at=check_at)))


def _close_not_found(context: UpdateContext) -> UpdateDecision:
    order = context.order
    if order.in_flight_until is not None and context.now < order.in_flight_until:
        return UpdateDecision(Outcome.NOT_APPLIED, "the order may still be on its way to the provider")
    if order.state in (State.PLACING, State.UNKNOWN) and order.cancellation is not None:
        return _cancel(context)
    if order.state is not State.UNKNOWN:
        return UpdateDecision(
            Outcome.NOT_APPLIED, f"only an unknown order can be reported as not found; this one is {order.state}"
        )
    reason = f"{order.provider_id} did not receive the order"
    failed = OrderFailed(**order.fields(context.now), reason=reason)
    return UpdateDecision(Outcome.APPLIED, "", _close(context, State.FAILED).publish(failed))


_RULES: dict[UpdateStatus, Callable[[UpdateContext], UpdateDecision]] = {
    UpdateStatus.ACCEPTED: _accept,
    UpdateStatus.SHIPPED: _ship,
    UpdateStatus.DELIVERED: _deliver,
    UpdateStatus.REFUSED: _refuse,
    UpdateStatus.CANCELLED: _cancel,
    UpdateStatus.RESOLVING: _await_resolution,
    UpdateStatus.NOT_FOUND: _close_not_found,
}


def _close(context: UpdateContext, to_state: State) -> Decision:
    return Decision(replace(context.order, check_at=None)).move_to(to_state, context.now, context.because)


def _advance_to(context: UpdateContext, to_state: State) -> Decision:
    """Pass through every delivery state up to `to_state`, with the event of each."""
    at = context.now
    decision = Decision(_merge_update(context))
    for state in delivery_states_between(context.order.state, to_state):
        because = context.because if state is to_state else f"implied: {context.because}"
        decision = decision.move_to(state, at, because)
        if state is State.PLACED:
            order = decision.order
            placed = OrderPlaced(
                **order.fields(at), packs=order.packs, quantity=order.quantity, expected_at=order.expected_at
            )
            decision = decision.publish(placed)
        else:
            decision = record_shipment(decision, at)
    return replace(decision, order=_schedule_check(decision.order, context))


def _schedule_check(order: Order, context: UpdateContext) -> Order:
    """Set the next check to the expected date, or to the next status request if that date has passed already."""
    if order.state is State.PLACED and order.expected_at is not None and order.expected_at <= context.now:
        requests = max(order.status_requests, 1)
        return replace(order, status_requests=requests, check_at=context.now + context.timeouts.pause_after(requests))
    return replace(order, status_requests=0, check_at=order.expected_at)


def _merge_update(context: UpdateContext) -> Order:
    order, update = context.order, context.update
    reported_date = _reported_date(context)
    promised = None
    if order.expected_at is None or (reported_date and not context.is_stale):
        usual_days = context.provider.lead_time_days if context.provider else None
        usual_date = None if usual_days is None else context.now + timedelta(days=usual_days)
        promised = reported_date or usual_date
    expected = promised or order.expected_at
    if expected is None and update.status is not UpdateStatus.DELIVERED:
        expected = context.now + timedelta(days=context.timeouts.lead_time_days)
    # Before shipment, a quantity is only an announcement.
    has_quantity = update.quantity is not None and update.status in _WITH_QUANTITY
    billed, billed_currency = _billed(context)
    substitute = None if update.product_id == order.product_id else update.product_id
    return replace(
        order,
        expected_at=expected,
        promised_at=order.promised_at or promised,
        shipped_quantity=update.quantity if has_quantity else order.shipped_quantity,
        tracking=_prefer(update.tracking, order.tracking, context),
        billed=billed,
        billed_currency=billed_currency,
        substitute=_prefer(substitute, order.substitute, context),
        resolve_by=None,
        in_flight_until=None,
    )


def _reported_date(context: UpdateContext) -> datetime | None:
    date = context.update.expected_at
    latest = context.now + timedelta(days=context.timeouts.longest_promise_days)
    return date if date is not None and context.order.drafted_at - DATE_TOLERANCE <= date <= latest else None


def _billed(context: UpdateContext) -> tuple[int | None, str | None]:
    """Return the reported price and its currency; a price in an unknown currency is ignored."""
    order, price = context.order, context.update.price
    currency = context.update.currency or order.currency
    keeps = context.is_stale and order.billed is not None
    if keeps or price is None or currency not in CURRENCIES:
        return order.billed, order.billed_currency
    return price, currency


def _prefer(reported: str | None, known: str | None, context: UpdateContext) -> str | None:
    return (known or reported) if context.is_stale else (reported or known)
