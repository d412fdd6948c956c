"""Details of an update that are not used, and whether an operator must look into them."""

import re
from collections.abc import Iterable, Sequence

from replenish_contracts.events import OrderUpdated, UpdateNote
from replenish_contracts.units import CURRENCIES
from services.order_dispatch.domain.order import Order

#: Fields whose loss changes a quantity, an amount or the lines that an update is about. The defaults of the protocol
#: replace them, and an operator is asked. Without any other field an update means the same.
SIGNIFICANT = frozenset(
    {
        *("quantity", "remaining", "ordered", "current", "fulfilled", "shipped", "unit"),
        *("price", "amount", "currency", "totals", "refunds"),
        *("lines", "line_id", "line_items", "fulfillments", "product_id", "shipment_id", "status", "productInfo"),
    }
)
_LINE = re.compile(r"lines(\.\d+)?")
_INDEX = re.compile(r"\.\d+$")


def is_significant(note: UpdateNote) -> bool:
    return _INDEX.sub("", note.field).rpartition(".")[2] in SIGNIFICANT


def lacks_lines(update: OrderUpdated) -> bool:
    """Whether lines that the update named are not known, because they cannot be read."""
    return any(_LINE.fullmatch(note.field) for note in update.notes)


def note_prices(order: Order, update: OrderUpdated) -> Sequence[UpdateNote]:
    """Return notes about prices that are not used because of their currency."""
    if update.currency in (None, order.currency):
        return ()
    has_prices = update.price is not None or any(line.price is not None for line in update.lines)
    if update.currency not in CURRENCIES:
        return (UpdateNote.about("currency", update.currency, "no currency in use; prices in it are not used"),)
    if has_prices and order.currency is not None:
        reason = f"the agreed price is in {order.currency} and stays"
        return (UpdateNote.about("currency", update.currency, reason),)
    return ()


def needs_operator(notes: Iterable[UpdateNote]) -> bool:
    return any(is_significant(note) for note in notes)
