"""What we read of ACP's objects; members we do not need are left to the merchant."""

from services.order_dispatch.outward.reading import Count, Currency, Moment, Name, Prose, Wording


class Delivery(Wording):
    latest: Moment | None = None


class Amounts(Wording):
    ordered: Count
    current: Count
    fulfilled: Count = 0


class OrderLine(Wording):
    id: Name
    quantity: Amounts


class Fulfillment(Wording):
    status: Prose | None = None
    tracking_number: Prose | None = None
    estimated_delivery: Delivery | None = None


class Snapshot(Wording):
    """A merchant's order as it stands: never a difference, always the whole."""

    id: Name
    checkout_session_id: Name
    status: Prose = "created"
    estimated_delivery: Delivery | None = None
    line_items: tuple[OrderLine, ...] = ()
    fulfillments: tuple[Fulfillment, ...] = ()


class Total(Wording):
    type: Prose
    amount: Count


class Message(Wording):
    type: Prose
    code: Prose | None = None
    content: Prose = ""


class Item(Wording):
    id: Name


class SessionLine(Wording):
    id: Name
    item: Item


class Option(Wording):
    type: Prose
    id: Name
    totals: tuple[Total, ...] = ()


class Session(Wording):
    """A checkout as the merchant sees it."""

    id: Name
    status: Prose
    currency: Currency
    line_items: tuple[SessionLine, ...] = ()
    totals: tuple[Total, ...] = ()
    messages: tuple[Message, ...] = ()
    fulfillment_options: tuple[Option, ...] = ()
    order: Snapshot | None = None


class Mistake(Wording):
    """ACP's error object."""

    type: Name
    code: Name
    message: Prose = ""


class OrderEvent(Wording):
    """What the merchant sends unasked."""

    type: Name
    data: Snapshot
