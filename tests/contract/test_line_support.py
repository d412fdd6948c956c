"""The documentation of providers states what each protocol can say about the lines of an order."""

from dataclasses import fields

from deploy.local.settings import ROOT
from services.order_dispatch.providers.protocol import LineSupport
from services.order_dispatch.providers.registry import PROTOCOLS

#: Columns of the table in docs/providers/README.md, in the order of LineSupport's fields.
COLUMNS = {
    "max_lines": "lines per order",
    "part_shipments": "part shipments",
    "delivery_per_line": "delivery per line",
    "price_per_line": "price per line",
    "refuse_line": "refuse a line",
    "cancel_line": "cancel a line",
    "substitute_per_line": "substitute per line",
}


def cells(row):
    return [cell.strip() for cell in row.strip("|").split("|")]


def as_cell(value):
    return {None: "any", True: "yes", False: "no"}[value] if value is None or isinstance(value, bool) else str(value)


def documented():
    """Return the table's rows, by protocol, each by column."""
    rows = (ROOT / "docs" / "providers" / "README.md").read_text().splitlines()
    start = next(place for place, row in enumerate(rows) if row.startswith("| protocol | lines per order"))
    head, found = cells(rows[start]), {}
    for row in rows[start + 2 :]:
        if not row.startswith("|"):
            break
        found[cells(row)[0].strip("`")] = dict(zip(head[1:], cells(row)[1:], strict=True))
    return found


def test_columns_are_the_fields_of_line_support():
    assert list(COLUMNS) == [field.name for field in fields(LineSupport)]


def test_table_states_the_line_support_of_every_protocol():
    stated = {
        name: {column: as_cell(getattr(protocol.lines, field)) for field, column in COLUMNS.items()}
        for name, protocol in PROTOCOLS.items()
    }

    assert documented() == stated
