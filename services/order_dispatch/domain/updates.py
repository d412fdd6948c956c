"""What a provider's update does to an order and its lines; updates may arrive in any order and repeatedly."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from replenish_contracts.catalogue import MAX_TEXT
from replenish_contracts.events import Evidence, OrderPlaced, OrderUpdated, UpdateNote, UpdateStatus
from services.order_dispatch.domain.cancellation import end_lines, fail, request_line_cancellation
from services.order_dispatch.domain.delivery import record_delivery, record_shipment
from services.order_dispatch.domain.lines import Cancellation, LineState, OrderLine
from services.order_dispatch.domain.notes import needs_operator, note_prices
from services.order_dispatch.domain.order import Decision, NoSuchLineError, Order, ProviderRequest, Shipment
from services.order_dispatch.domain.promises import DEFAULT_ZONE
from services.order_dispatch.domain.provider import RESOLUTION_HOURS, Provider
from services.order_dispatch.domain.quantities import is_settled, note_packs
from services.order_dispatch.domain.reports import (
    WHOLE_ORDER,
    LineReport,
    Outcome,
    UpdateContext,
    find_problem,
    is_forbidden_substitute,
    merge_update,
    note_date,
    read_reports,
    substitute_refusal,
)
from services.order_dispatch.domain.states import CLOSED, NOT_SUBMITTED, SUBMITTED, State
from services.order_dispatch.domain.timeouts import Timeouts, schedule_check


@dataclass(frozen=True, slots=True)
class UpdateDecision:
    """Outcome of an update, and the decision about the order if there is one.

    The reason of an applied update names the lines for which it was not applied.
    """

    outcome: Outcome
    reason: str = ""
    decision: Decision | None = None
    #: Details that are not used, of the update and by these rules.
    notes: tuple[UpdateNote, ...] = ()
    #: An operator must read the update.
    asks: bool = False


def decide_update(  # noqa: PLR0913, PLR0917  # the update and all that it is judged by
    order: Order | None,
    update: OrderUpdated,
    provider: Provider | None,
    timeouts: Timeouts,
    at: datetime,
    newest: datetime | None = None,
    time_zone: str = DEFAULT_ZONE,
) -> UpdateDecision:
    """Decide an update with a new id; `newest` is when the latest applied one of the same status occurred.

    `time_zone` is the customer's; only the end of an `expected_date` depends on it.
    """
    if order is None:
        return UpdateDecision(Outcome.UNMATCHED, "no such order", notes=update.notes)
    ignored = _reason_to_ignore(order, update)
    if ignored is not None:
        return replace(ignored, notes=update.notes)
    is_stale = newest is not None and update.occurred_at < newest
    context = UpdateContext(order, update, provider, timeouts, at, is_stale, time_zone)
    try:
        reports = read_reports(context)
    except NoSuchLineError as error:
        return UpdateDecision(Outcome.REFUSED, str(error), notes=update.notes, asks=True)
    notes = (*update.notes, *reports.notes, *note_date(context), *note_prices(order, update))
    decided = _decide_reports(context, reports.lines)
    is_applied = decided.outcome is Outcome.APPLIED
    open_notes = [note for note in notes if not is_settled(note)]
    asks = decided.outcome is Outcome.UNCLEAR or (is_applied and needs_operator(open_notes))
    return replace(decided, notes=(*notes, *decided.notes), asks=asks)


def _decide_reports(context: UpdateContext, reports: Sequence[LineReport]) -> UpdateDecision:
    if not reports:
        word = context.update.word
        reported = "no status" if word is None else f"the word {word!r}, which has no meaning in its protocol"
        return UpdateDecision(Outcome.UNCLEAR, f"{context.update.provider_id} reported {reported}")
    status = reports[0].status
    if status in WHOLE_ORDER:
        return _await_resolution(context) if status is UpdateStatus.RESOLVING else _close_not_found(context)
    return _apply_reports(context, reports)


def _reason_to_ignore(order: Order, update: OrderUpdated) -> UpdateDecision | None:
    if order.provider_id != update.provider_id:
        return UpdateDecision(Outcome.REFUSED, "the order belongs to another provider")
    if order.state in CLOSED:
        return UpdateDecision(Outcome.NOT_APPLIED, f"the order is already {order.state}")
    if order.state in NOT_SUBMITTED:
        return UpdateDecision(Outcome.NOT_APPLIED, "the order has not been submitted to the provider")
    return None


def _apply_reports(context: UpdateContext, reports: Sequence[LineReport]) -> UpdateDecision:
    """Apply the reports that are possible, grouped by status; each other one has its reason in the result."""
    problems = {report.line.line_id: find_problem(context, report) for report in reports}
    possible = [report for report in reports if problems[report.line.line_id] is None]
    refused = [problem for problem in problems.values() if problem is not None]
    reason = "; ".join(text for _, text in refused)[:MAX_TEXT]
    decision = Decision(merge_update(context, possible))
    for status, apply in _RULES.items():
        group = [report for report in possible if report.status is status]
        if group:
            decision = apply(context, decision, group)
    decision = _cancel_substituted(context, decision, reports)
    if possible:
        if decision.order.state in (State.PLACED, State.SHIPPED):
            decision = replace(decision, order=schedule_check(decision.order, context.timeouts, context.now))
        notes = note_packs(context.order.lines, context.update)
        return UpdateDecision(Outcome.APPLIED, reason, decision, notes)
    outcome = Outcome.REFUSED if any(kind is Outcome.REFUSED for kind, _ in refused) else Outcome.NOT_APPLIED
    return UpdateDecision(outcome, reason, decision if decision.requests else None)


def _cancel_substituted(context: UpdateContext, decision: Decision, reports: Sequence[LineReport]) -> Decision:
    """Request the cancellation of lines for which the provider announces a product that it may not send."""
    order = decision.order
    forbidden = [report for report in reports if is_forbidden_substitute(context, report)]
    lines = [order.find_line(report.line.line_id) for report in forbidden]
    lines = [line for line in lines if line.state is LineState.ORDERED and line.cancellation is None]
    if not lines or order.cancellation is not None or order.state not in (*SUBMITTED, State.SHIPPED):
        return decision
    reason = substitute_refusal(order, forbidden[0])[:MAX_TEXT]
    cancellation = Cancellation("substitution", reason, context.now)
    if len(lines) < len(order.open_lines):
        return decision.then(request_line_cancellation(order, cancellation, lines))
    return decision.change(cancellation=cancellation).request(ProviderRequest.CANCEL)


def _accept(context: UpdateContext, decision: Decision, reports: Sequence[LineReport]) -> Decision:  # noqa: ARG001
    decision = _place(context, decision, implied=False)
    is_requested = decision.order.cancellation is not None or any(line.cancellation for line in decision.order.lines)
    if context.order.state is State.UNKNOWN and is_requested:
        # The first cancel request may have reached the provider before the order did.
        decision = decision.request(ProviderRequest.CANCEL)
    return decision


def _place(context: UpdateContext, decision: Decision, *, implied: bool) -> Decision:
    """Move an order that the provider accepted to placed; a shipment or delivery implies the acceptance."""
    if decision.order.state not in (State.PLACING, State.UNKNOWN):
        return decision
    because = f"implied: {context.because}" if implied else context.because
    decision = decision.move_to(State.PLACED, context.now, because)
    order = decision.order
    fields = order.agreed_fields(context.now, order.open_lines)
    return decision.publish(OrderPlaced(**fields, expected_at=order.expected_at, expected_date=order.expected_date))


def _ship(
    context: UpdateContext, decision: Decision, reports: Sequence[LineReport], *, implied: bool = False
) -> Decision:
    """Record what left, once per parcel; goods that are known to have left are not counted again."""
    decision = _place(context, decision, implied=True)
    order, shipment_id = decision.order, context.update.shipment_id
    parcel = order.find_shipment(shipment_id)
    if parcel is not None:  # each of its lines counts once; a later update may name further ones
        in_parcel = dict(parcel.quantities)
        reports = [one for one in reports if one.line.line_id not in in_parcel and context.update.lines]
    quantities, remaining, ended = _read_quantities(order, reports, in_parcel=shipment_id is not None)
    because = f"implied: {context.because}" if implied else context.because
    if quantities:
        decision = record_shipment(
            decision,
            quantities,
            context.now,
            because,
            remaining=remaining,
            shipment_id=shipment_id,
            # A later parcel does not have the tracking number of an earlier one.
            tracking=context.update.tracking if order.has_left else order.tracking,
        )
    if ended:
        end = Cancellation("provider", reports[0].reason, context.now)
        decision = end_lines(decision, ended, LineState.CANCELLED, end, because)
    return decision


def _read_quantities(
    order: Order, reports: Sequence[LineReport], *, in_parcel: bool
) -> tuple[dict[str, int], dict[str, int], list[OrderLine]]:
    """Return what left of each line, what is to leave later, and the lines whose rest will not be sent."""
    quantities: dict[str, int] = {}
    remaining: dict[str, int] = {}
    ended = []
    for report in reports:
        line = order.find_line(report.line.line_id)
        left = _quantity_in_parcel(line, report, in_parcel=in_parcel)
        if left is not None:
            to_leave = line.remaining_quantity if line.has_left else line.quantity
            rest = max(0, to_leave - left) if in_parcel else 0
            rest = rest if report.remaining is None else report.remaining
            if left or line.has_left or not rest:  # otherwise nothing of the line has left
                quantities[line.line_id], remaining[line.line_id] = left, rest
        elif line.is_to_leave and report.remaining == 0:
            ended.append(line)
    return quantities, remaining, ended


def _quantity_in_parcel(line: OrderLine, report: LineReport, *, in_parcel: bool) -> int | None:
    """Return what left now, or None if the report is about goods that left before."""
    before = line.shipped_quantity or 0
    if not line.is_to_leave:
        return None
    if report.quantity is None:
        return line.remaining_quantity if line.has_left else line.quantity
    if in_parcel:
        return report.quantity
    # Without a parcel's id, the quantity is the total that left so far.
    return report.quantity - before if report.quantity > before or not line.has_left else None


def _deliver(context: UpdateContext, decision: Decision, reports: Sequence[LineReport]) -> Decision:
    """Deliver lines. A report with a parcel's id delivers the lines of which all parcels have arrived.

    A parcel arrives as a whole, even if the update names only some of its lines.
    """
    shipment_id = context.update.shipment_id
    if shipment_id is not None and not context.update.lines and decision.order.find_shipment(shipment_id) is None:
        # An unknown parcel holds the goods that left in a parcel without an id, if there are any.
        named = {line_id for parcel in decision.order.shipments for line_id, _ in parcel.quantities}
        unnamed = [one for one in reports if one.line.is_awaited and one.line.line_id not in named]
        reports = unnamed or reports
    decision = _ship(context, decision, reports, implied=True)
    order = decision.order
    parcel = order.find_shipment(shipment_id)
    changed = _lines_that_arrive(context, order, reports, parcel)
    decision = decision.change_lines(changed)
    if parcel is not None:
        lines = [decision.order.find_line(line_id) for line_id, _ in parcel.quantities]
        missing = {line.line_id: _left(order.find_line(line.line_id)) - _left(line) for line in lines}
        quantities = tuple((line_id, held - missing[line_id]) for line_id, held in parcel.quantities)
        arrived = replace(parcel, quantities=quantities, arrived=True)
        decision = decision.change(shipments=tuple(arrived if other is parcel else other for other in order.shipments))
    complete = {
        line.line_id
        for line in changed
        if not line.remaining_quantity and line.arrived_quantity >= line.shipped_or_ordered_quantity
    }
    if not complete:
        return decision
    # A reported time in the future or before the order is a clock error.
    delivered_at = max(order.drafted_at, min(context.update.occurred_at, context.now))
    return record_delivery(
        decision, complete, Evidence.REPORTED, context.now, context.because, delivered_at=delivered_at
    )


def _lines_that_arrive(
    context: UpdateContext, order: Order, reports: Sequence[LineReport], parcel: Shipment | None
) -> list[OrderLine]:
    """Return the lines of a delivery report with what arrived; a quantity that the report has replaces what left."""
    in_parcel = dict(parcel.quantities) if parcel is not None else {}
    reported = {report.line.line_id: None if order.test else report.quantity for report in reports}
    named = {line.line_id for line in context.update.lines}
    if named:
        reported |= {line.line_id: None for line in order.open_lines if line.line_id in in_parcel.keys() - named}
    changed = []
    for line_id, quantity in reported.items():
        line = order.find_line(line_id)
        if line_id in in_parcel:
            arrived = in_parcel[line_id] if quantity is None else quantity
            shipped = _left(line) - in_parcel[line_id] + arrived
            changed.append(replace(line, shipped_quantity=shipped, arrived_quantity=line.arrived_quantity + arrived))
        elif parcel is None or (line.is_awaited and named):
            left = line.shipped_quantity if quantity is None else quantity
            changed.append(replace(line, shipped_quantity=left, remaining_quantity=0, arrived_quantity=left or 0))
    return changed


def _left(line: OrderLine) -> int:
    return line.shipped_quantity or 0


def _refuse(context: UpdateContext, decision: Decision, reports: Sequence[LineReport]) -> Decision:
    if decision.order.state in (State.PLACED, State.SHIPPED):  # what was accepted is cancelled, not refused
        return _cancel(context, decision, reports)
    end = Cancellation("provider", reports[0].reason, context.now)
    ended = [decision.order.find_line(report.line.line_id) for report in reports]
    return end_lines(decision, ended, LineState.REFUSED, end, context.because)


def _cancel(context: UpdateContext, decision: Decision, reports: Sequence[LineReport]) -> Decision:
    ended = [decision.order.find_line(report.line.line_id) for report in reports]
    requested = decision.order.cancellation or next((line.cancellation for line in ended if line.cancellation), None)
    by, reason = (requested.by, requested.reason) if requested else ("provider", reports[0].reason)
    return end_lines(decision, ended, LineState.CANCELLED, Cancellation(by, reason, context.now), context.because)


#: In this order, so that an update that refuses a line and accepts another ends the first as refused.
_RULES: dict[UpdateStatus, Callable[[UpdateContext, Decision, Sequence[LineReport]], Decision]] = {
    UpdateStatus.REFUSED: _refuse,
    UpdateStatus.ACCEPTED: _accept,
    UpdateStatus.CANCELLED: _cancel,
    UpdateStatus.SHIPPED: _ship,
    UpdateStatus.DELIVERED: _deliver,
}


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
        end = replace(order.cancellation, occurred_at=context.now)
        ended = end_lines(Decision(order), order.open_lines, LineState.CANCELLED, end, context.because)
        return UpdateDecision(Outcome.APPLIED, "", ended)
    if order.state is not State.UNKNOWN:
        return UpdateDecision(
            Outcome.NOT_APPLIED, f"only an unknown order can be reported as not found; this one is {order.state}"
        )
    reason = f"{order.provider_id} did not receive the order"
    return UpdateDecision(Outcome.APPLIED, "", fail(order, reason, context.now, because=context.because))
