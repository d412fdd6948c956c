"""ACP's objects, with the fields that we use, including the spellings of its examples; other fields are ignored."""

from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from services.order_dispatch.providers.parsing import (
    Count,
    Currency,
    FreeText,
    Name,
    Promised,
    ProviderMessage,
    Word,
)


class Delivery(ProviderMessage):
    """A window; the goods are there at its end, or at its beginning if it has no end."""

    earliest: Promised | None = None
    latest: Promised | None = None

    @property
    def end(self) -> datetime | date | None:
        return self.earliest if self.latest is None else self.latest


class Amounts(ProviderMessage):
    """Ordered, current and fulfilled quantity of a line in packs; older merchants call the last one `shipped`."""

    ordered: Count
    current: Count | None = None
    fulfilled: Count | None = None
    shipped: Count | None = None

    @property
    def wanted(self) -> int:
        return self.ordered if self.current is None else self.current

    @property
    def sent(self) -> int:
        return self.fulfilled or self.shipped or 0


class OrderLine(ProviderMessage):
    id: Name
    product_id: Name | None = None
    quantity: Amounts


class Part(ProviderMessage):
    """Packs of a line in a fulfillment."""

    id: Name
    quantity: Count | None = None


class Fulfillment(ProviderMessage):
    status: Word | None = None
    #: Without them, the whole order.
    line_items: tuple[Part, ...] = ()
    tracking_number: FreeText | None = None
    estimated_delivery: Delivery | None = None


class Refund(ProviderMessage):
    """Money that the merchant returned, in minor units; the examples of the protocol have texts such as `1.00`."""

    amount: Count | None = None


class Snapshot(ProviderMessage):
    """The merchant's order in its current state; always complete, never a difference."""

    #: Present in order events only.
    checkout_session_id: Name | None = None
    #: Orders in sessions of older versions have none; they were created.
    status: Word = "created"
    estimated_delivery: Delivery | None = None
    line_items: tuple[OrderLine, ...] = ()
    fulfillments: tuple[Fulfillment, ...] = ()
    #: In versions before 2026-04-17.
    refunds: tuple[Refund, ...] = ()


class Total(ProviderMessage):
    type: FreeText
    #: Minor units; discounts can be negative.
    amount: Annotated[int, Field(ge=-(2**53), le=2**53, strict=True)]


class Message(ProviderMessage):
    type: FreeText
    code: FreeText | None = None
    content: FreeText = ""


class Item(ProviderMessage):
    id: Name


class SessionLine(ProviderMessage):
    id: Name
    item: Item
    totals: tuple[Total, ...] = ()


class Option(ProviderMessage):
    type: FreeText
    id: Name
    totals: tuple[Total, ...] = ()


class Session(ProviderMessage):
    id: Name
    status: Word = ""
    currency: Currency | None = None
    line_items: tuple[SessionLine, ...] = ()
    totals: tuple[Total, ...] = ()
    messages: tuple[Message, ...] = ()
    fulfillment_options: tuple[Option, ...] = ()
    order: Snapshot | None = None


class ErrorBody(ProviderMessage):
    code: Name
    message: FreeText = ""


class OrderEvent(ProviderMessage):
    data: Snapshot


class EventOrder(ProviderMessage):
    checkout_session_id: Name


class EventSubject(ProviderMessage):
    """An order event, as far as it is needed to find its order."""

    data: EventOrder
