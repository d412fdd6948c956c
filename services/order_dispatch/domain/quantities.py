"""Reported quantities that may be packs: they are not used, and the ordered quantity counts.

A provider that counts packs reports `1` for a pack of 50. Read as base steps, 49 would be missing. Such a report is no
evidence of missing goods, so it raises no claim; the customer's count and the next level of the slot settle it.
"""

from collections.abc import Collection

from replenish_contracts.events import OrderUpdated, UpdateNote
from services.order_dispatch.domain.lines import OrderLine


def may_be_packs(line: OrderLine, quantity: int | None) -> bool:
    """Whether a quantity is the number of packs, and no whole packs in base steps."""
    return quantity == line.packs and quantity % line.pack_size != 0


def lost_quantity(update: OrderUpdated, line_id: str, *, is_only: bool) -> bool:
    """Whether the update had a quantity of this line that its reader dropped."""
    numbers = [number for number, line in enumerate(update.lines) if line.line_id == line_id]
    fields = {f"lines.{number}.quantity" for number in numbers} | ({"quantity"} if is_only else set())
    return any(note.field in fields for note in update.notes)


def note_packs(lines: Collection[OrderLine], update: OrderUpdated) -> tuple[UpdateNote, ...]:
    """Return a note for each quantity of the update that may be packs."""
    by_id = {line.line_id: line for line in lines}
    found: list[tuple[str, OrderLine | None, int | None]] = []
    if len(lines) == 1:
        found = [("quantity", line, update.quantity) for line in lines]
    for number, named in enumerate(update.lines):
        found.append((f"lines.{number}.quantity", by_id.get(named.line_id), named.quantity))
    return tuple(
        UpdateNote.about(field, quantity, explain_packs(line))
        for field, line, quantity in found
        if line is not None and may_be_packs(line, quantity)
    )


def explain_packs(line: OrderLine) -> str:
    return f"may be the number of packs; the ordered {line.show(line.quantity)} count until the customer counts"
