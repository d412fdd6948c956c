"""Requests to a provider and its updates, on two topics per provider."""

import json
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from replenish_contracts.catalogue import NO_NUL, OUTSIDE, Event, Id, Moment, Steps, Text, published_by
from replenish_contracts.events.lines import OrderLine, Packs, PackSize, Scale
from replenish_contracts.events.offers import Currency, Money
from replenish_contracts.units import BaseUnit

#: Texts of a note are cut to this length.
LONGEST_NOTE = 200
NoteText = Annotated[str, Field(max_length=LONGEST_NOTE, pattern=NO_NUL)]


def _as_note(text: str) -> str:
    text = text.replace("\x00", "\\0").encode(errors="replace").decode()
    return text if len(text) <= LONGEST_NOTE else f"{text[: LONGEST_NOTE - 1]}…"


class ShipTo(BaseModel):
    """The delivery address; kept on the provider's topic for seven days only."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: Text
    line1: Text
    line2: Text | None = None
    #: Empty if the address has none, as in Hong Kong or the United Arab Emirates.
    postal_code: Text
    city: Text
    region: Text | None = None
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]

    @model_validator(mode="before")
    @classmethod
    def _missing_postal_code_is_empty(cls, fields: Any) -> Any:
        """Accept an address without the field; it is always written, for readers that require it."""
        is_missing = isinstance(fields, dict) and fields.get("postal_code") is None
        return {**fields, "postal_code": ""} if is_missing else fields


class UpdateStatus(StrEnum):
    """Status of an order, as reported by the provider."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"
    #: The provider has the order, but the customer must first resolve a problem: address, payment, stock.
    RESOLVING = "resolving"
    #: The response to OrderStatusRequested for an order the provider never accepted.
    NOT_FOUND = "not_found"
    #: The provider's word or message has no meaning here: nothing changes, and an operator reads it.
    UNCLEAR = "unclear"


@published_by("order_dispatch", topic="provider-orders-{provider_id}", key="order_id")
class OrderRequested(Event):
    """A provider is requested to deliver an order; repetitions with the same order_id are the same order.

    Fields of a single product are those of the first line. A provider that reads only these sets `max_lines` to 1 in
    its account, and gets an order for each product.
    """

    provider_id: Id
    order_id: Id
    product_id: Id
    packs: Packs
    pack_size: PackSize
    quantity: Steps
    unit: BaseUnit
    scale: Scale = 0
    #: What to deliver; empty in events from before orders had lines.
    lines: tuple[OrderLine, ...] = ()
    ship_to: ShipTo
    requested_at: Moment
    needed_by: Moment | None = None
    #: A test order: respond as usual, but charge and ship nothing.
    test: bool = False


@published_by("order_dispatch", topic="provider-orders-{provider_id}", key="order_id")
class CancelRequested(Event):
    """A provider is requested to cancel an order that it may already have, or some lines of it."""

    provider_id: Id
    order_id: Id
    reason: Text
    requested_at: Moment
    #: The lines to cancel; empty for the whole order.
    line_ids: tuple[Id, ...] = ()


@published_by("order_dispatch", topic="provider-orders-{provider_id}", key="order_id")
class OrderStatusRequested(Event):
    """A provider is requested to report the current status of an order."""

    provider_id: Id
    order_id: Id
    requested_at: Moment


class UpdateNote(BaseModel):
    """A detail of an update that is not used, with the reason."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    #: Path of the field, such as `lines.0.quantity`.
    field: NoteText
    #: What the provider sent, as JSON, shortened.
    value: NoteText
    reason: NoteText

    @classmethod
    def about(cls, field: str, value: object, reason: str) -> "UpdateNote":
        """Return a note about a value of any type; each text is cut, and U+0000 is shown as an escape."""
        shown = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
        return cls(field=_as_note(field), value=_as_note(shown), reason=_as_note(reason))


class UpdateLine(BaseModel):
    """What an update reports about one line; a missing field takes the value of the update."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    line_id: Id
    #: If it differs from the update's.
    status: UpdateStatus | None = None
    #: In base steps, if it differs from the ordered quantity: what left in the parcel `shipment_id`, or in total if the
    #: update names no parcel.
    quantity: Steps | None = None
    #: What leaves later. If missing: 0 without `shipment_id`, the rest of the line with one.
    remaining: Steps | None = None
    #: The shipped product, if it is a substitute.
    product_id: Id | None = None
    reason: Text | None = None
    #: The provider's price of the line, in minor units of the update's currency.
    price: Money | None = None


class ProviderUpdate(BaseModel):
    """An update of an order without its provider, for interfaces that take the provider from elsewhere.

    It counts for the lines that it names, or for all lines if it names none.
    """

    update_id: Id
    order_id: Id
    status: UpdateStatus
    occurred_at: Moment
    #: When the goods are expected.
    expected_at: Moment | None = None
    #: The day on which the goods are expected, until its end where the customer lives; preferred to `expected_at`.
    expected_date: date | None = None
    #: The shipped quantity in base steps, if it differs from the order.
    quantity: Steps | None = None
    reason: Text | None = None
    tracking: Text | None = None
    #: The shipped product, if it is a substitute.
    product_id: Id | None = None
    #: The provider's total price of the order, in minor units of `currency`.
    price: Money | None = None
    currency: Currency | None = None
    lines: tuple[UpdateLine, ...] = ()
    #: The provider's id of the parcel, needed if the goods of one line leave in several; a parcel counts once.
    shipment_id: Id | None = None
    #: The provider's own word, of an update that is `unclear`.
    word: NoteText | None = None
    #: Details that were dropped because they cannot be read. Readers add them; a sender leaves them out.
    notes: tuple[UpdateNote, ...] = ()


class _ProviderEvent(Event):
    provider_id: Id


@published_by(OUTSIDE, topic="provider-updates-{provider_id}", key="order_id")
class OrderUpdated(ProviderUpdate, _ProviderEvent):
    """A provider reports the status of an order; a repeated `update_id` is ignored."""
