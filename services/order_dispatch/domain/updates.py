"""What a provider's update does to an order, in whatever order updates arrive."""

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
from services.order_dispatch.domain.states import CLOSED, NOT_SUBMITTED, SUBMITTED, State, stops_between
from services.order_dispatch.domain.timeouts import Timeouts

#: A date is a day, and days begin before their orders: so much earlier than the order a promise may seem to be.
DATE_TOLERANCE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class UpdateContext:
    """One update as the rules below see it."""

    order: Order
    update: OrderUpdated
    provider: Provider | None
    timeouts: Timeouts
    occurred_at: datetime
    #: It is older than what the provider said of the same status: it may add to that, and change nothing.
    is_stale: bool = False

    @property
    def because(self) -> str:
        return f"{self.update.provider_id} said {self.update.status} ({self.update.update_id})"

    @property
    def reason(self) -> str:
        return self.update.reason or "no reason given"

    def take_over(self, order: Order) -> Order:
        """Take over what the update says about the goods, their date and their price."""
        update = self.update
        promised = self._promise if order.expected_at is None or (self._named and not self.is_stale) else None
        expected = promised or order.expected_at
        if expected is None and update.status is not UpdateStatus.DELIVERED:
            expected = self.occurred_at + timedelta(days=self.timeouts.lead_time_days)
        billed, currency = self._billed(order)
        return replace(
            order,
            expected_at=expected,
            promised_at=order.promised_at or promised,
            shipped_quantity=self._counted(order),
            tracking=self._newer(update.tracking, order.tracking),
            billed=billed,
            billed_currency=currency,
            substitute=self._newer(
                None if update.product_id == order.product_id else update.product_id, order.substitute
            ),
            resolve_by=None,
            in_flight_until=None,
        )

    def _counted(self, order: Order) -> int | None:
        """Return how much left or arrived; an earlier update's quantity is only an announcement."""
        update = self.update
        says = update.quantity is not None and update.status in (UpdateStatus.SHIPPED, UpdateStatus.DELIVERED)
        return update.quantity if says else order.shipped_quantity

    def _newer(self, reported: str | None, known: str | None) -> str | None:
        return (known or reported) if self.is_stale else (reported or known)

    def _billed(self, order: Order) -> tuple[int | None, str | None]:
        """Return what the provider wants for the order; an amount in no currency says nothing."""
        currency = self.update.currency or order.currency
        stale = self.is_stale and order.billed is not None
        if stale or self.update.price is None or currency not in CURRENCIES:
            return order.billed, order.billed_currency
        return self.update.price, currency

    @property
    def _named(self) -> datetime | None:
        """Return the date the update gives, if it is a believable one."""
        named = self.update.expected_at
        latest = self.occurred_at + timedelta(days=self.timeouts.longest_promise_days)
        return named if named is not None and self.order.drafted_at - DATE_TOLERANCE <= named <= latest else None

    @property
    def _promise(self) -> datetime | None:
        """Return the provider's date, else its usual days from now, else nothing."""
        usual = self.provider.lead_time_days if self.provider else None
        return self._named or (None if usual is None else self.occurred_at + timedelta(days=usual))


#: Shops send other packs than we know of; a thousand times as much is milligrams told of grams.
IMPLAUSIBLE_FACTOR = 1000


class Outcome(StrEnum):
    """What became of a provider's update; every one is kept."""

    APPLIED = "applied"
    #: Known or overtaken; the reason says by what.
    NOT_APPLIED = "not_applied"
    #: The order is another provider's, or the goods are not what was ordered.
    REFUSED = "refused"
    #: Nobody knows the order.
    UNMATCHED = "unmatched"


@dataclass(frozen=True, slots=True)
class UpdateDecision:
    """An update's fate; `decision` where something follows from it."""

    outcome: Outcome
    reason: str = ""
    decision: Decision | None = None


def decide_update(
    order: Order | None,
    update: OrderUpdated,
    provider: Provider | None,
    timeouts: Timeouts,
    at: datetime,
    newest: datetime | None = None,
) -> UpdateDecision:
    """Judge one update that was not heard before; `newest` is the time of the latest like it that was applied."""
    if order is None:
        return UpdateDecision(Outcome.UNMATCHED, "no such order")
    if order.provider_id != update.provider_id:
        return UpdateDecision(Outcome.REFUSED, "the order is another provider's")
    if order.state in CLOSED:
        return UpdateDecision(Outcome.NOT_APPLIED, f"the order is already {order.state}")
    if order.state in NOT_SUBMITTED:
        return UpdateDecision(Outcome.NOT_APPLIED, "the provider has not been asked for this order")
    context = UpdateContext(
        order, update, provider, timeouts, at, is_stale=newest is not None and update.occurred_at < newest
    )
    return _rejected(context) or _RULES[update.status](context)


def _rejected(context: UpdateContext) -> UpdateDecision | None:
    return _rejected_substitute(context) or _rejected_quantity(context)


def _rejected_substitute(context: UpdateContext) -> UpdateDecision | None:
    """Refuse another product than the one ordered where the provider may not choose, and ask to cancel."""
    order, other = context.order, context.update.product_id
    if other in (None, order.product_id) or context.update.status not in _GOODS:
        return None
    if context.provider is not None and context.provider.allows_substitutes:
        return None
    reason = f"{order.provider_id} may not send {other} instead of {order.product_id}"
    if order.state not in SUBMITTED or order.cancellation is not None:
        return UpdateDecision(Outcome.REFUSED, reason)
    wish = Cancellation("substitution", reason[:2000], context.occurred_at)
    return UpdateDecision(
        Outcome.REFUSED, reason, Decision(replace(order, cancellation=wish)).request(ProviderRequest.CANCEL)
    )


def _rejected_quantity(context: UpdateContext) -> UpdateDecision | None:
    """Refuse a quantity that must be in another unit: no shelf is to follow it."""
    ordered, sent = context.order.quantity, context.update.quantity
    counts = context.update.status in (UpdateStatus.SHIPPED, UpdateStatus.DELIVERED)
    if sent is None or not counts or sent < IMPLAUSIBLE_FACTOR * ordered:
        return None
    return UpdateDecision(
        Outcome.REFUSED, f"{ordered} were ordered, in the order's own steps: {sent} cannot have been sent"
    )


def _accepted(context: UpdateContext) -> UpdateDecision:
    if context.order.state is State.SHIPPED:
        return UpdateDecision(Outcome.NOT_APPLIED, "the order is already shipped")
    decision = _advance_to(context, State.PLACED)
    if context.order.state is State.UNKNOWN and context.order.cancellation is not None:
        decision = decision.request(
            ProviderRequest.CANCEL
        )  # the wish may have reached the provider before the order did
    return UpdateDecision(Outcome.APPLIED, "", decision)


def _shipped(context: UpdateContext) -> UpdateDecision:
    order, update = context.order, context.update
    if order.state is State.SHIPPED and update.quantity not in (None, order.shipped_or_ordered_quantity):
        return UpdateDecision(Outcome.NOT_APPLIED, "the order is already shipped with another quantity")
    return UpdateDecision(Outcome.APPLIED, "", _advance_to(context, State.SHIPPED))


def _delivered(context: UpdateContext) -> UpdateDecision:
    decision = _advance_to(context, State.SHIPPED)
    arrived = max(context.order.drafted_at, min(context.update.occurred_at, context.occurred_at))
    decision = record_delivery(
        decision, Evidence.REPORTED, context.occurred_at, because=context.because, delivered_at=arrived
    )
    return UpdateDecision(Outcome.APPLIED, "", decision)


def _refused(context: UpdateContext) -> UpdateDecision:
    if context.order.state is State.PLACED:  # it had accepted: that is no refusal any more
        return _cancelled(context)
    if context.order.state is State.SHIPPED:
        return UpdateDecision(Outcome.NOT_APPLIED, "the order is already shipped")
    decision = _end(context, State.REFUSED).publish(
        OrderRefused(**context.order.fields(context.occurred_at), reason=context.reason)
    )
    return UpdateDecision(Outcome.APPLIED, "", decision)


def _cancelled(context: UpdateContext) -> UpdateDecision:
    order = context.order
    if order.state is State.SHIPPED:
        return UpdateDecision(Outcome.NOT_APPLIED, "the order is already shipped")
    wish = order.cancellation
    by, reason = (wish.by, wish.reason) if wish else ("provider", context.reason)
    decision = _end(context, State.CANCELLED).publish(
        OrderCancelled(**order.fields(context.occurred_at), by=by, reason=reason)
    )
    return UpdateDecision(Outcome.APPLIED, "", decision)


def _resolving(context: UpdateContext) -> UpdateDecision:
    order = context.order
    if order.state not in (State.PLACING, State.UNKNOWN):
        return UpdateDecision(Outcome.NOT_APPLIED, f"the order is already {order.state}")
    hours = context.provider.resolution_hours if context.provider else RESOLUTION_HOURS
    until = order.resolve_by or context.occurred_at + timedelta(hours=hours)
    # One that is asked about goes on being asked about: that the problem was settled may have been said in vain.
    check_at = until if order.state is State.PLACING else min(order.check_at or until, until)
    return UpdateDecision(Outcome.APPLIED, "", Decision(replace(order, resolve_by=until, check_at=check_at)))


def _not_found(context: UpdateContext) -> UpdateDecision:
    order = context.order
    if order.in_flight_until is not None and context.occurred_at < order.in_flight_until:
        return UpdateDecision(Outcome.NOT_APPLIED, "the order may still be on its way to the provider")
    if order.state in (State.PLACING, State.UNKNOWN) and order.cancellation is not None:
        return _cancelled(context)
    if order.state is not State.UNKNOWN:
        return UpdateDecision(Outcome.NOT_APPLIED, f"the order is {order.state}: the provider contradicts itself")
    reason = f"{order.provider_id} never got the order"
    return UpdateDecision(
        Outcome.APPLIED,
        "",
        _end(context, State.FAILED).publish(OrderFailed(**order.fields(context.occurred_at), reason=reason)),
    )


#: What says something about goods.
_GOODS = frozenset({UpdateStatus.ACCEPTED, UpdateStatus.SHIPPED, UpdateStatus.DELIVERED})
_RULES: dict[UpdateStatus, Callable[[UpdateContext], UpdateDecision]] = {
    UpdateStatus.ACCEPTED: _accepted,
    UpdateStatus.SHIPPED: _shipped,
    UpdateStatus.DELIVERED: _delivered,
    UpdateStatus.REFUSED: _refused,
    UpdateStatus.CANCELLED: _cancelled,
    UpdateStatus.RESOLVING: _resolving,
    UpdateStatus.NOT_FOUND: _not_found,
}


def _end(context: UpdateContext, there: State) -> Decision:
    return Decision(replace(context.order, check_at=None)).move_to(there, context.occurred_at, context.because)


def _advance_to(context: UpdateContext, there: State) -> Decision:
    """Take every stop up to `there`, and say each."""
    decision = Decision(context.take_over(context.order))
    for stop in stops_between(context.order.state, there):
        because = context.because if stop is there else f"implied: {context.because}"
        decision = decision.move_to(stop, context.occurred_at, because)
        decision = (
            decision.publish(_placed(decision.order, context.occurred_at))
            if stop is State.PLACED
            else record_shipment(decision, context.occurred_at)
        )
    return _waiting(context, decision)


def _waiting(context: UpdateContext, decision: Decision) -> Decision:
    """Look again when the goods should be there; a provider that is overdue already, after a pause."""
    order = decision.order
    if order.state is State.PLACED and order.expected_at is not None and order.expected_at <= context.occurred_at:
        asks = max(order.status_requests, 1)
        return replace(
            decision,
            order=replace(
                order, status_requests=asks, check_at=context.occurred_at + context.timeouts.pause_after(asks)
            ),
        )
    return replace(decision, order=replace(order, status_requests=0, check_at=order.expected_at))


def _placed(order: Order, at: datetime) -> OrderPlaced:
    return OrderPlaced(**order.fields(at), packs=order.packs, quantity=order.quantity, expected_at=order.expected_at)
