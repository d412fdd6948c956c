"""What an update reports about each line of its order, whether that can be applied, and the values it adds."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from replenish_contracts.events import OrderUpdated, UpdateLine, UpdateNote, UpdateStatus
from replenish_contracts.units import CURRENCIES
from services.order_dispatch.domain.lines import OrderLine
from services.order_dispatch.domain.notes import lacks_lines
from services.order_dispatch.domain.order import NoSuchLineError, Order
from services.order_dispatch.domain.promises import DEFAULT_ZONE, Promise, end_of_day
from services.order_dispatch.domain.provider import Provider
from services.order_dispatch.domain.quantities import lost_quantity, may_be_packs
from services.order_dispatch.domain.timeouts import Timeouts

#: Clocks and offsets of providers may be wrong, so a time on the day of the order can be earlier than the order.
DATE_TOLERANCE = timedelta(days=1)
#: Providers may ship other packs than ordered; a factor of 1,000 means milligrams for grams.
IMPLAUSIBLE_FACTOR = 1000
_WITH_QUANTITY = frozenset({UpdateStatus.SHIPPED, UpdateStatus.DELIVERED})
WITH_GOODS = _WITH_QUANTITY | {UpdateStatus.ACCEPTED}
_ENDS = frozenset({UpdateStatus.REFUSED, UpdateStatus.CANCELLED})
#: They change the lines that they are about for good.
_ABOUT_LINES = _WITH_QUANTITY | _ENDS
#: They are about the whole order: it exists at the provider or does not.
WHOLE_ORDER = frozenset({UpdateStatus.RESOLVING, UpdateStatus.NOT_FOUND})


class Outcome(StrEnum):
    """What became of a provider's update."""

    APPLIED = "applied"
    #: Without effect on the order's state, for the stored reason.
    NOT_APPLIED = "not_applied"
    #: From another provider, for another product or line, or with an implausible quantity.
    REFUSED = "refused"
    #: For an unknown order.
    UNMATCHED = "unmatched"
    #: Its word is unknown: without effect, and on the operators' list of questions.
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class LineReport:
    """What an update reports about one line."""

    line: OrderLine
    status: UpdateStatus
    #: Quantity that left in the named parcel, or in total if the update names none; None for all that is to leave.
    quantity: int | None
    remaining: int | None
    product_id: str | None
    reason: str
    price: int | None
    #: The update has a quantity that cannot be used, so `quantity` is None.
    is_unclear: bool = False


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
    time_zone: str = DEFAULT_ZONE

    @property
    def because(self) -> str:
        return f"{self.update.provider_id} reported {self.update.status} ({self.update.update_id})"


class Reports(NamedTuple):
    """What an update reports about lines, and notes about details of it that cannot be used."""

    lines: list[LineReport]
    notes: tuple[UpdateNote, ...] = ()


def read_reports(context: UpdateContext) -> Reports:
    """Return a report for each line that the update names, or for each open line if it names none.

    A line that the order does not have is left out, and so is one whose status is unclear. Raises NoSuchLineError for
    a line that is named twice, if goods or the end of lines are reported without a line of the order, and for values
    that need one.
    """
    order = context.order
    named, notes = _find_named_lines(context)
    if not named:
        named, more = tuple(UpdateLine(line_id=line.line_id) for line in order.open_lines), _check_values(context)
        notes += more
    elif len({line.line_id for line in named}) < len(named):
        raise NoSuchLineError("the update names a line twice")
    reports = [_read_report(context, line) for line in named]
    reports = [report for report in reports if report.status is not UpdateStatus.UNCLEAR]
    if any(report.status in WHOLE_ORDER for report in reports):
        covered = {report.line.line_id for report in reports if report.status is reports[0].status}
        if not covered.issuperset(line.line_id for line in order.open_lines):
            raise NoSuchLineError("resolving and not_found are about the whole order; send them without lines")
    return Reports(reports, notes)


def _find_named_lines(context: UpdateContext) -> tuple[tuple[UpdateLine, ...], tuple[UpdateNote, ...]]:
    """Return the lines of the order that the update names, and notes about the others.

    If none of them is known, an update that reports neither goods nor an end is about the order, as it is without
    lines. Of an order of one line, a line that cannot be read is that line.
    """
    order, update = context.order, context.update
    known = {line.line_id for line in order.lines}
    named = tuple(line for line in update.lines if line.line_id in known)
    notes = tuple(
        UpdateNote.about(f"lines.{number}", line.line_id, f"the order has the lines {', '.join(sorted(known))}")
        for number, line in enumerate(update.lines)
        if line.line_id not in known
    )
    is_lost = bool(notes) or (lacks_lines(update) and len(order.lines) > 1)
    if is_lost and not named and update.status in _ABOUT_LINES:
        if notes:
            order.find_line(update.lines[0].line_id)
        raise NoSuchLineError("the lines that the update is about cannot be read")
    return named, notes


def _check_values(context: UpdateContext) -> tuple[UpdateNote, ...]:
    """Return notes about values that need a line and have none; raises NoSuchLineError if they would be used."""
    order, update = context.order, context.update
    if len(order.lines) == 1:
        return ()
    values = {"quantity": (update.quantity, _WITH_QUANTITY), "product_id": (update.product_id, WITH_GOODS)}
    notes = []
    for name, (value, users) in values.items():
        if value is not None:
            reason = f"the update has a {name} without a line; the order has {len(order.lines)} lines"
            if update.status in users:
                raise NoSuchLineError(reason)
            notes.append(UpdateNote.about(name, value, reason))
    return tuple(notes)


def _read_report(context: UpdateContext, named: UpdateLine) -> LineReport:
    line, update = context.order.find_line(named.line_id), context.update
    is_only = len(context.order.lines) == 1
    status = named.status or update.status
    quantity = named.quantity if named.quantity is not None or not is_only else update.quantity
    is_unclear = may_be_packs(line, quantity) or (
        quantity is None and lost_quantity(update, line.line_id, is_only=is_only)
    )
    return LineReport(
        line=line,
        status=status,
        quantity=None if is_unclear else quantity,
        remaining=None if may_be_packs(line, quantity) else named.remaining,
        is_unclear=is_unclear and status in _WITH_QUANTITY,
        product_id=named.product_id or (update.product_id if is_only else None),
        reason=named.reason or update.reason or "no reason given",
        price=named.price,
    )


def find_problem(context: UpdateContext, report: LineReport) -> tuple[Outcome, str] | None:
    """Return why a report about a line cannot be applied."""
    line, subject = report.line, context.order.subject(report.line)
    if not line.is_open:
        return Outcome.NOT_APPLIED, f"{subject} is already {line.state}"
    if is_forbidden_substitute(context, report):
        return Outcome.REFUSED, substitute_refusal(context.order, report)
    if report.status in _WITH_QUANTITY and (report.quantity or 0) >= IMPLAUSIBLE_FACTOR * line.quantity:
        ordered, reported = line.show(line.quantity), line.show(report.quantity or 0)
        return Outcome.REFUSED, f"implausible quantity for {subject}: {ordered} ordered, {reported} reported"
    reason = _find_conflict(context, report)
    return None if reason is None else (Outcome.NOT_APPLIED, reason)


def _find_conflict(context: UpdateContext, report: LineReport) -> str | None:
    """Return why a report does not fit what is known of the line."""
    line, subject = report.line, context.order.subject(report.line)
    parcel = context.order.find_shipment(context.update.shipment_id)
    if report.status is UpdateStatus.DELIVERED:
        arrived = parcel is not None and parcel.arrived
        return f"shipment {context.update.shipment_id} was already delivered" if arrived else None
    if report.status is UpdateStatus.SHIPPED:
        is_repeat = report.quantity in (None, line.shipped_or_ordered_quantity) or context.order.test
        conflicts = line.is_awaited and parcel is None and not is_repeat
        return f"{subject} is already shipped with another quantity" if conflicts else None
    ends_rest = report.status is UpdateStatus.CANCELLED and line.is_to_leave
    return f"{subject} is already shipped" if line.has_left and not ends_rest else None


def is_forbidden_substitute(context: UpdateContext, report: LineReport) -> bool:
    if report.product_id in (None, report.line.product_id) or report.status not in WITH_GOODS:
        return False
    return context.provider is None or not context.provider.allows_substitutes


def substitute_refusal(order: Order, report: LineReport) -> str:
    return f"{order.provider_id} may not send {report.product_id} instead of {report.line.product_id}"


def merge_update(context: UpdateContext, reports: Sequence[LineReport]) -> Order:
    """Merge dates, prices and tracking of an update into the order and the lines that are accepted or on their way.

    With the first of them the order is placed, so its other lines are expected at the usual date. The reported total
    and the order's date are not for lines that the same update ends.
    """
    order, update = context.order, context.update
    with_goods = [report for report in reports if report.status in WITH_GOODS]
    if not with_goods:
        return order
    ended = {report.line.line_id for report in reports if report.status in _ENDS and not report.line.has_left}
    merged = order.with_lines(_merge_line(context, report) for report in with_goods)
    reported = {report.line.line_id for report in with_goods} | ended
    usual = _usual_date(context)
    usual_date = usual.at if usual else context.now + timedelta(days=context.timeouts.lead_time_days)
    merged = merged.with_lines(
        replace(line, expected_at=usual_date)
        for line in merged.open_lines
        if line.line_id not in reported and line.expected_at is None
    )
    going_on = [line for line in merged.open_lines if line.line_id not in ended]
    dates = [line.expected_at for line in going_on if line.expected_at is not None]
    promise = _promise(context)
    promised = order.promised_at or (promise.at if promise else None)
    return replace(
        merged,
        expected_at=max(dates, default=order.expected_at),
        promised_at=promised,
        tracking=_prefer(update.tracking, order.tracking, context),
        **_billed(context, ended),
        resolve_by=None,
        in_flight_until=None,
    )


def _promise(context: UpdateContext) -> Promise | None:
    """Return the reported date of delivery, or the one by the provider's lead time."""
    return _reported_date(context) or _usual_date(context)


def _usual_date(context: UpdateContext) -> Promise | None:
    days = context.provider.lead_time_days if context.provider else None
    return None if days is None else Promise(context.now + timedelta(days=days))


def _merge_line(context: UpdateContext, report: LineReport) -> OrderLine:
    line = report.line
    expected = None if line.expected_at is None else Promise(line.expected_at, line.expected_date)
    if expected is None or (_reported_date(context) and not context.is_stale):
        expected = _promise(context) or expected
    if expected is None and report.status is not UpdateStatus.DELIVERED:
        expected = Promise(context.now + timedelta(days=context.timeouts.lead_time_days))
    substitute = None if report.product_id == line.product_id else report.product_id
    has_currency = (context.update.currency or context.order.currency) == context.order.currency
    keeps_price = report.price is None or not has_currency or (context.is_stale and line.billed is not None)
    return replace(
        line,
        expected_at=expected.at if expected else None,
        expected_date=expected.day if expected else None,
        substitute=_prefer(substitute, line.substitute, context),
        billed=line.billed if keeps_price else report.price,
        is_unclear=report.quantity is None and (line.is_unclear or (report.is_unclear and line.is_to_leave)),
    )


def note_date(context: UpdateContext) -> tuple[UpdateNote, ...]:
    """Return a note about a reported date that is not used, because it is before the order or too far away."""
    update = context.update
    reported = update.expected_date or update.expected_at
    if reported is None or _reported_date(context) is not None:
        return ()
    field = "expected_at" if update.expected_date is None else "expected_date"
    days = context.timeouts.longest_promise_days
    reason = f"not from the order to {days:g} days from now; the usual date of the provider counts"
    return (UpdateNote.about(field, reported.isoformat(), reason),)


def _reported_date(context: UpdateContext) -> Promise | None:
    day = context.update.expected_date
    at = context.update.expected_at if day is None else end_of_day(day, context.time_zone)
    latest = context.now + timedelta(days=context.timeouts.longest_promise_days)
    is_plausible = at is not None and context.order.drafted_at - DATE_TOLERANCE <= at <= latest
    return Promise(at, day) if at is not None and is_plausible else None


def _billed(context: UpdateContext, ended: Collection[str]) -> dict[str, Any]:
    """Return the fields of a reported total; a price in an unknown currency is ignored."""
    order, price = context.order, context.update.price
    currency = context.update.currency or order.currency
    keeps = context.is_stale and order.billed is not None
    if keeps or price is None or currency not in CURRENCIES:
        return {}
    price_of_ended = sum(order.find_line(line_id).price or 0 for line_id in ended)
    return {"billed": price, "billed_currency": currency, "billed_for": order.current_price - price_of_ended}


def _prefer(reported: str | None, known: str | None, context: UpdateContext) -> str | None:
    return (known or reported) if context.is_stale else (reported or known)
