"""View model of an order's line: product, amounts, price, state and available actions."""

from dataclasses import dataclass

from services.portal.domain import formatting
from services.portal.domain.board import CustomerView
from services.portal.domain.orders import CANCELLABLE, Line, LineState, Order, OrderState
from services.portal.pages.places import Place, measure, title_of

TIMES = "\N{MULTIPLICATION SIGN}"
STATES = {
    LineState.ORDERED: "Not shipped yet",
    LineState.SHIPPED: "On its way",
    LineState.DELIVERED: "Arrived",
    LineState.SHORT: "Incomplete delivery",
    LineState.SUBSTITUTED: "Replacement arrived",
    LineState.RETURNED: "Returned",
    LineState.REFUSED: "Declined by the shop",
    LineState.CANCELLED: "Cancelled",
    LineState.FAILED: "Not delivered",
}
#: States of an order from which nothing has left; lines without a state of their own have the same.
PHASES = {
    OrderState.DUE: "Being prepared",
    OrderState.DRAFTED: "Being prepared",
    OrderState.YOURS: "Waiting for you to order",
    OrderState.UNKNOWN: "Checking with the shop",
    OrderState.PLACED: "Ordered",
}
TONES = {
    LineState.DELIVERED: "good",
    LineState.SUBSTITUTED: "good",
    LineState.SHORT: "soon",
    LineState.REFUSED: "low",
    LineState.FAILED: "low",
    LineState.CANCELLED: "quiet",
    LineState.RETURNED: "quiet",
}


@dataclass(frozen=True)
class AmountForm:
    """Form that reports a quantity of the line; `most` is its default and the largest possible one."""

    most: str
    #: Units to choose from; empty if the line's own is the only one.
    units: tuple[str, ...]


@dataclass(frozen=True)
class LineCard:
    """A line with all values formatted for display."""

    line_id: str
    #: Line id in forms; empty if it is the order's only line.
    form_id: str
    title: str
    amount: str
    price: str
    state: str
    tone: str
    #: What was shipped, arrived or returned if that is not the ordered quantity, and the replacement.
    facts: tuple[str, ...]
    reason: str
    cancellable: bool
    #: The customer has yet to order it at the shop.
    has_cart: bool
    received: AmountForm | None
    returnable: AmountForm | None


def line_card(line: Line, order: Order, view: CustomerView, places: list[Place]) -> LineCard:
    is_only = len(order.lines) == 1
    has_not_left = line.state is LineState.ORDERED
    can_cancel = order.state in CANCELLABLE or order.state is OrderState.SHIPPED
    return LineCard(
        line_id=line.line_id,
        form_id="" if is_only else line.line_id,
        title=title_of(line.product_id, view, places),
        amount=format_quantity(line, places),
        price=_price(line, order),
        state=PHASES[order.state] if has_not_left and order.state in PHASES else STATES[line.state],
        tone=TONES.get(line.state, "busy"),
        facts=tuple(_facts(line, order, view, places)),
        reason=formatting.reason(line.reason or ""),
        cancellable=has_not_left and can_cancel and not is_only,
        has_cart=has_not_left and order.state is OrderState.YOURS,
        received=_received_form(line, places),
        returnable=_return_form(line, places),
    )


def format_steps(steps: int, line: Line, places: list[Place]) -> str:
    """Format a quantity of the line; bare steps if neither an event nor a slot has its unit."""
    if line.unit is not None:
        return formatting.amount(steps, line.unit, line.scale)
    spec = measure(line.product_id, places)
    return formatting.amount(steps, spec.unit, spec.scale) if spec else str(steps)


def quantity_of(line: Line) -> int | None:
    """Return the ordered quantity; what is known of it if the order's terms are not."""
    if line.quantity is not None:
        return line.quantity
    return line.delivered if line.delivered is not None else line.shipped or None


def quantity_to_arrive(line: Line, order: Order) -> int | None:
    """Return the quantity that is still to arrive; 0 if the line has ended."""
    if not line.is_open:
        return 0
    return line.shipped if line.state is LineState.SHIPPED and order.is_all_shipped else quantity_of(line)


def format_quantity(line: Line, places: list[Place]) -> str:
    """Format the ordered quantity, with the packs if there are several: `100 (2 x 50)`."""
    quantity = quantity_of(line)
    if quantity is None:
        return ""
    amount = format_steps(quantity, line, places)
    if line.packs is None or line.pack_size is None or line.packs == 1:
        return amount
    return f"{amount} ({line.packs} {TIMES} {format_steps(line.pack_size, line, places)})"


def _price(line: Line, order: Order) -> str:
    if line.unit_price is None or order.currency is None:
        return ""
    each = " each" if line.packs != 1 else ""
    return f"{formatting.money(line.unit_price, order.currency)}{each}"


def _facts(line: Line, order: Order, view: CustomerView, places: list[Place]) -> list[str]:
    def amount(steps: int) -> str:
        return format_steps(steps, line, places)

    facts = []
    ordered = line.quantity
    if line.is_unclear and not line.is_claimed and line.returned is None:
        facts.append("The shop didn't say clearly how much it sent. If less arrives, please tell us.")
    if line.substitute is not None:
        facts.append(f"Replacement: {title_of(line.substitute, view, places)}")
    if ordered is not None and line.state is LineState.SHIPPED and 0 < line.shipped < ordered:
        remainder = "will not be shipped" if order.is_all_shipped else "not shipped yet"
        facts.append(
            f"{amount(line.shipped)} of {amount(ordered)} shipped, {amount(ordered - line.shipped)} {remainder}"
        )
    if ordered is not None and line.state is LineState.SHORT and line.delivered is not None:
        facts.append(f"{amount(line.delivered)} of {amount(ordered)} arrived")
    if line.returned is not None:
        of = f" of {amount(line.delivered)}" if line.delivered not in {None, line.returned} else ""
        facts.append(f"{amount(line.returned)}{of} returned")
    return facts


def _received_form(line: Line, places: list[Place]) -> AmountForm | None:
    """Return the form for a line in transit, and for one that arrived and was not reported as incomplete."""
    if line.state is LineState.SHIPPED:
        return _amount_form(line.shipped, line, places)
    if line.state in {LineState.DELIVERED, LineState.SUBSTITUTED}:
        return _amount_form(line.delivered or 0, line, places)
    return None


def _return_form(line: Line, places: list[Place]) -> AmountForm | None:
    if line.state in {LineState.DELIVERED, LineState.SUBSTITUTED, LineState.SHORT}:
        return _amount_form(line.delivered or 0, line, places)
    return None


def _amount_form(most: int, line: Line, places: list[Place]) -> AmountForm | None:
    spec = measure(line.product_id, places)
    unit = line.unit or (spec.unit if spec else None)
    if most <= 0 or unit is None:
        return None
    scale = line.scale if line.unit or spec is None else spec.scale
    choices = formatting.UNIT_CHOICES[unit]
    return AmountForm(formatting.number(most, scale), choices if len(choices) > 1 else ())
