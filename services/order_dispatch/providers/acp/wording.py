"""What we read of ACP's objects, also as its own examples write them; what we do not need is left to the merchant."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from services.order_dispatch.outward.reading import Count, Currency, Name, Prose, Wording


def _day(said: Any) -> datetime | None:
    """Return a date or a time, in UTC where it names no zone; one that cannot be read is none."""
    try:
        read = datetime.fromisoformat(said) if isinstance(said, str) else None
        return read and (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


class Delivery(Wording):
    latest: Annotated[datetime | None, BeforeValidator(_day)] = None


class Amounts(Wording):
    """How much of a line was ordered, is still wanted, and has left; older merchants call the last `shipped`."""

    ordered: Count
    current: Count | None = None
    fulfilled: Count | None = None
    shipped: Count | None = None

    @property
    def wanted(self) -> int:
        return self.ordered if self.current is None else self.current

    @property
    def left(self) -> int:
        return self.fulfilled or self.shipped or 0


class OrderLine(Wording):
    id: Name
    quantity: Amounts


class Fulfillment(Wording):
    status: Prose | None = None
    tracking_number: Prose | None = None
    estimated_delivery: Delivery | None = None


class Snapshot(Wording):
    """A merchant's order as it stands: never a difference, always the whole."""

    #: Named in order events; the order in a session is the session's.
    checkout_session_id: Name | None = None
    status: Prose = "created"
    estimated_delivery: Delivery | None = None
    line_items: tuple[OrderLine, ...] = ()
    fulfillments: tuple[Fulfillment, ...] = ()


class Total(Wording):
    type: Prose
    #: Minor units; what takes off may be below 0.
    amount: Annotated[int, Field(ge=-(2**53), le=2**53, strict=True)]


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
