"""Matches the lines of a merchant's checkout or order with ours, and reads how far each of them is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from replenish_contracts.events import UpdateStatus
from services.order_dispatch.domain.order import Order
from services.order_dispatch.providers.acp.messages import Fulfillment, OrderLine, Snapshot
from services.order_dispatch.providers.acp.words import ParcelState, read_order_word, read_parcel_word

#: States of fulfillments that count as shipped. One with an unknown word waits, as far as is known.
_LEFT = (ParcelState.ON_THE_WAY, ParcelState.ARRIVED)


@dataclass(frozen=True, slots=True)
class Progress:
    """State of a line, or of all lines, at the merchant; quantities are packs."""

    status: UpdateStatus
    #: What left so far; None if the merchant counts nothing, so that it is the ordered quantity.
    sent: int | None = None
    #: What is to leave later.
    remaining: int = 0


def match_lines(item_ids: Mapping[str, str | None], order: Order) -> dict[str, str] | None:
    """Return the merchant's line id for our line ids, or None if an open line of the order has no match.

    `item_ids` maps the merchant's line ids to its item ids, in its order. A merchant keeps the line ids of the
    checkout, or has its own: these are matched by item, and several lines of one item by position. Other lines of the
    merchant, such as gifts, are ignored.
    """
    products = {line.line_id: line.product_id for line in order.lines}
    matched = {line_id: line_id for line_id in products if line_id in item_ids}
    has_other_items = any(
        item_ids[line_id] != products[line_id] and item_ids[line_id] in products.values() for line_id in matched
    )
    if has_other_items or not _has_open_lines(matched, order):
        matched = _match_by_item(item_ids, order)
    return matched if _has_open_lines(matched, order) else None


def _has_open_lines(matched: Mapping[str, str], order: Order) -> bool:
    return all(line.line_id in matched for line in order.open_lines)


def _match_by_item(item_ids: Mapping[str, str | None], order: Order) -> dict[str, str]:
    matched: dict[str, str] = {}
    for product_id in {line.product_id for line in order.lines}:
        theirs = [line_id for line_id, item_id in item_ids.items() if item_id == product_id]
        ours = [line for line in order.lines if line.product_id == product_id]
        # A line that ended before the order was placed is not in the checkout.
        for candidates in (ours, [line for line in ours if line.is_open]):
            if len(candidates) == len(theirs):
                matched |= zip((line.line_id for line in candidates), theirs, strict=True)
                break
    return matched


def progress_of(snapshot: Snapshot, items: Sequence[OrderLine], parcels: Sequence[Fulfillment]) -> Progress:
    """Return how far lines of the merchant are, taken together.

    `parcels` are those that contain them. A line of which nothing is counted as sent has left with its order or with
    all its parcels, unless the merchant counts other lines of the order.
    """
    ordered = sum(item.quantity.ordered for item in items)
    wanted = sum(item.quantity.wanted for item in items)
    sent = _sent(items, parcels)
    status = read_order_word(snapshot.status)
    if status is UpdateStatus.CANCELLED or (items and wanted == 0 and sent == 0):
        return Progress(UpdateStatus.CANCELLED)
    states = [read_parcel_word(parcel.status) for parcel in parcels]
    on_the_way = [state in _LEFT for state in states]
    is_reported = status in (UpdateStatus.SHIPPED, UpdateStatus.DELIVERED)
    if sent:
        has_left = is_reported or not states or any(on_the_way)
    else:
        has_left = not _counts(snapshot) and (is_reported or (bool(states) and all(on_the_way)))
    if not has_left:
        waiting = status is UpdateStatus.RESOLVING
        return Progress(UpdateStatus.RESOLVING if waiting else UpdateStatus.ACCEPTED)
    counted = sent or (wanted if wanted < ordered else None)
    remaining = 0 if counted is None else max(0, wanted - counted)
    all_arrived = bool(states) and all(state is ParcelState.ARRIVED for state in states)
    has_arrived = status is UpdateStatus.DELIVERED or all_arrived
    is_delivered = has_arrived and not remaining
    return Progress(UpdateStatus.DELIVERED if is_delivered else UpdateStatus.SHIPPED, counted, remaining)


def parcels_of(snapshot: Snapshot, item_id: str | None = None) -> list[Fulfillment]:
    """Return the parcels that contain a line of the merchant, by default all; one that names no lines contains all."""
    return [
        parcel
        for parcel in snapshot.fulfillments
        if read_parcel_word(parcel.status) is not ParcelState.ENDED
        and (item_id is None or not parcel.line_items or any(part.id == item_id for part in parcel.line_items))
    ]


def is_under_way(parcel: Fulfillment) -> bool:
    """Whether it has left, or has arrived."""
    return read_parcel_word(parcel.status) in _LEFT


def _sent(items: Sequence[OrderLine], parcels: Sequence[Fulfillment]) -> int:
    """Return the packs that left: those counted as fulfilled, else those in parcels that are on the way."""
    counted = sum(item.quantity.sent for item in items)
    ids = {item.id for item in items}
    in_parcels = [
        part.quantity or 0 for parcel in parcels if is_under_way(parcel) for part in parcel.line_items if part.id in ids
    ]
    return counted or sum(in_parcels)


def _counts(snapshot: Snapshot) -> bool:
    return _sent(snapshot.line_items, parcels_of(snapshot)) > 0
