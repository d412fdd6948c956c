"""Translation of ACP sessions and order snapshots to our order states."""

from collections.abc import Mapping
from dataclasses import replace

from replenish_contracts.events import UpdateLine, UpdateNote, UpdateStatus
from services.order_dispatch.domain.order import Order
from services.order_dispatch.domain.promises import latest_promise, promise_fields
from services.order_dispatch.providers.acp.lines import (
    Progress,
    is_under_way,
    match_lines,
    parcels_of,
    progress_of,
)
from services.order_dispatch.providers.acp.messages import Session, Snapshot, Total
from services.order_dispatch.providers.acp.words import (
    ParcelState,
    SessionState,
    read_order_word,
    read_parcel_word,
    read_session_word,
)
from services.order_dispatch.providers.parsing import UnreadableResponseError
from services.order_dispatch.providers.protocol import Answer

_WITH_GOODS = frozenset({UpdateStatus.SHIPPED, UpdateStatus.DELIVERED})


def state_of(session: Session) -> SessionState:
    return read_session_word(session.status)


def read_session(session: Session, order: Order) -> Answer:
    """Return the state of the session's order; NOT_FOUND if it has none.

    Raises UnreadableResponseError if it must have one.
    """
    answer = Answer(reference=session.id, notes=session.dropped)
    if session.order is not None:
        item_ids = {line.id: line.item.id for line in session.line_items}
        answer = _add_line_prices(read_snapshot(session.order, order, item_ids), session, order)
        price, currency = total_of(session.totals), session.currency
        if currency is None:  # a price without its currency would count in the order's
            price, answer = None, replace(answer, lines=tuple(_without_price(line) for line in answer.lines))
        notes = answer.notes + session.dropped
        return replace(answer, price=price, currency=currency and currency.upper(), reference=session.id, notes=notes)
    state = state_of(session)
    if state is SessionState.COMPLETED:
        raise UnreadableResponseError("the checkout is completed but contains no order")
    if state is SessionState.APPROVAL:
        return replace(answer, status=UpdateStatus.RESOLVING, reason="the merchant is waiting for an approval")
    if state is SessionState.WORKING:
        return answer
    if state is SessionState.UNKNOWN:
        return replace(answer, status=UpdateStatus.UNCLEAR, word=session.status)
    return replace(answer, status=UpdateStatus.NOT_FOUND)


def _without_price(line: UpdateLine) -> UpdateLine:
    return line.model_copy(update={"price": None})


def read_snapshot(snapshot: Snapshot, order: Order, item_ids: Mapping[str, str] | None = None) -> Answer:
    """Return how far each line of the order is; packs are converted to base steps.

    `item_ids` are those of the checkout by the merchant's line ids, for a merchant whose order lacks them. If a line
    cannot be matched, the answer is the furthest state that the whole order has reached, with the reason.
    """
    parcels = parcels_of(snapshot)
    windows = [*(parcel.estimated_delivery for parcel in parcels), snapshot.estimated_delivery]
    sent = [parcel for parcel in parcels if parcel.tracking_number and is_under_way(parcel)]
    numbers = [parcel.tracking_number for parcel in (*reversed(sent), *parcels) if parcel.tracking_number]
    answer = Answer(
        **promise_fields(latest_promise(window.end for window in windows if window and window.end)),
        tracking=next(iter(numbers), None),
        reference=snapshot.checkout_session_id,
        notes=_notes_about_words(snapshot),
    )
    if read_order_word(snapshot.status) is UpdateStatus.UNCLEAR or _may_be_refunded(snapshot, order):
        return replace(answer, status=UpdateStatus.UNCLEAR, word=snapshot.status)
    if len(order.lines) == 1 or not snapshot.line_items:
        return _read_whole(answer, progress_of(snapshot, snapshot.line_items, parcels), order)
    known = item_ids or {}
    matched = match_lines({item.id: item.product_id or known.get(item.id) for item in snapshot.line_items}, order)
    return _read_unmatched(answer, snapshot) if matched is None else _read_lines(answer, snapshot, matched, order)


def _notes_about_words(snapshot: Snapshot) -> tuple[UpdateNote, ...]:
    notes = [
        UpdateNote.about(f"fulfillments.{number}.status", parcel.status, "not one of the known words")
        for number, parcel in enumerate(snapshot.fulfillments)
        if read_parcel_word(parcel.status) is ParcelState.UNKNOWN
    ]
    if snapshot.refunds:
        refunds = [refund.amount for refund in snapshot.refunds]
        notes.append(UpdateNote.about("refunds", refunds, "refunds of the merchant are not applied"))
    return tuple(notes)


def _may_be_refunded(snapshot: Snapshot, order: Order) -> bool:
    """Whether an order of which nothing has left is reported as delivered after a refund of its whole price.

    WooCommerce reports a refunded order as `fulfilled`.
    """
    refunded = sum(refund.amount or 0 for refund in snapshot.refunds)
    is_delivered = read_order_word(snapshot.status) is UpdateStatus.DELIVERED
    return is_delivered and not order.has_left and order.price is not None and 0 < order.current_price <= refunded


def _read_whole(answer: Answer, progress: Progress, order: Order) -> Answer:
    """Return the state of an order of one line, or of one whose merchant lists no lines."""
    line = order.lines[0]
    if progress.sent is None or len(order.lines) > 1:
        return replace(answer, status=progress.status)
    quantity, remaining = progress.sent * line.pack_size, progress.remaining * line.pack_size
    # Only a line can have a remaining quantity. Zero ends what was announced before.
    update = UpdateLine(line_id=line.line_id, quantity=quantity, remaining=remaining)
    lines = (update,) if progress.status is UpdateStatus.SHIPPED else ()
    return replace(answer, status=progress.status, quantity=quantity, lines=lines)


def _read_lines(answer: Answer, snapshot: Snapshot, matched: Mapping[str, str], order: Order) -> Answer:
    items = {item.id: item for item in snapshot.line_items}
    lines = []
    for line_id, item_id in matched.items():
        line, progress = (
            order.find_line(line_id),
            progress_of(snapshot, [items[item_id]], parcels_of(snapshot, item_id)),
        )
        is_counted = progress.sent is not None
        lines.append(
            UpdateLine(
                line_id=line_id,
                status=progress.status,
                quantity=(progress.sent or 0) * line.pack_size if is_counted else None,
                remaining=progress.remaining * line.pack_size if is_counted else None,
            )
        )
    statuses = {line.status for line in lines}
    if UpdateStatus.RESOLVING in statuses and not statuses & _WITH_GOODS:  # it is about the whole order
        return replace(answer, status=UpdateStatus.RESOLVING)
    lines = [line.model_copy(update={"status": _without_review(line.status)}) for line in lines]
    return replace(answer, status=_furthest(lines), lines=tuple(lines))


def _without_review(status: UpdateStatus | None) -> UpdateStatus | None:
    return UpdateStatus.ACCEPTED if status is UpdateStatus.RESOLVING else status


def _furthest(lines: list[UpdateLine]) -> UpdateStatus:
    """Return the state that the answer is stored under: that of all lines, or that of an order with such lines."""
    statuses = {line.status for line in lines if line.status is not None}
    if len(statuses) == 1:
        return statuses.pop()
    return UpdateStatus.SHIPPED if statuses & _WITH_GOODS else UpdateStatus.ACCEPTED


def _read_unmatched(answer: Answer, snapshot: Snapshot) -> Answer:
    """Return the state of the whole order; goods count once all ordered packs have left, as nothing names a line."""
    progress = progress_of(snapshot, snapshot.line_items, parcels_of(snapshot))
    is_partial = progress.remaining or any(item.quantity.wanted < item.quantity.ordered for item in snapshot.line_items)
    shown = ", ".join(item.id for item in snapshot.line_items)[:300]
    reason = f"the merchant's lines {shown} cannot be matched with those of the order, so only the whole order counts"
    if progress.status in _WITH_GOODS and is_partial:
        return replace(answer, status=UpdateStatus.ACCEPTED, reason=reason)
    return replace(answer, status=progress.status, reason=reason)


def _add_line_prices(answer: Answer, session: Session, order: Order) -> Answer:
    """Add the merchant's price of each line; that of an order of one line is the order's price."""
    matched = match_lines({line.id: line.item.id for line in session.line_items}, order)
    if len(order.lines) == 1 or matched is None or answer.status is UpdateStatus.RESOLVING:
        return answer
    totals = {line.id: total_of(line.totals) for line in session.line_items}
    lines = answer.lines or tuple(UpdateLine(line_id=line.line_id) for line in order.open_lines)
    priced = tuple(
        line.model_copy(update={"price": totals[matched[line.line_id]]}) if line.line_id in matched else line
        for line in lines
    )
    return replace(answer, lines=priced)


def obstacle(session: Session, order: Order) -> str | None:
    """Return why the session cannot be completed at the agreed price, or None."""
    if state_of(session) is not SessionState.READY:
        errors = [message.content or message.code or "" for message in session.messages if message.type == "error"]
        return "; ".join(errors) or f"the checkout is {session.status}"
    unread = next((note for note in session.dropped if note.field.startswith(("totals", "currency"))), None)
    if unread is not None:
        return f"the price of the checkout cannot be read: {unread.field}: {unread.reason}"
    total, agreed = total_of(session.totals), _agreed_price(order)
    if agreed is not None and total is not None and total > agreed:
        return f"the price is {total} instead of {agreed} {order.currency} (minor units)"
    if (session.currency or "").lower() != (order.currency or "").lower():
        return f"the currency is {session.currency} instead of {order.currency}"
    if len(order.lines) > 1 and session.line_items:
        item_ids: dict[str, str | None] = {line.id: line.item.id for line in session.line_items}
        if match_lines(item_ids, order) is None:
            products = ", ".join(line.product_id for line in order.open_lines)
            return f"the checkout lacks lines of the order, which has {products}"[:500]
    return None


def _agreed_price(order: Order) -> int | None:
    """Return the price of the lines to be ordered and the fee: a line that ended before is not in the checkout."""
    return None if order.price is None else order.current_price


def total_of(totals: tuple[Total, ...]) -> int | None:
    return next((total.amount for total in totals if total.type == "total" and total.amount >= 0), None)
