"""Subscriptions, triggers and reorder decisions, published by reorder_decision."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID, uuid5

from pydantic import BaseModel, ConfigDict, Field

from replenish_contracts.catalogue import Event, Id, Moment, SignedSteps, Steps, Text, published_by
from replenish_contracts.events.accounts import Registration
from replenish_contracts.events.lines import FIRST_LINE, Packs, PackSize, Scale
from replenish_contracts.units import BaseUnit

Epoch = Annotated[int, Field(ge=1)]
_SPLIT_ORDERS = UUID("0c9a8f1e-6a7b-5d0f-9d34-1f0b8f6f8a55")


class Mode(StrEnum):
    """Whether a subscription orders automatically, after approval, or only notifies."""

    AUTO = "auto"
    APPROVE = "approve"
    NOTIFY = "notify"


class SubscriptionStatus(StrEnum):
    """Only active subscriptions order."""

    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"


@published_by("reorder_decision", topic="reorders", key="customer_id")
class SubscriptionChanged(Event):
    """A customer's subscription of a product was created or changed."""

    customer_id: Id
    subscription_id: Id
    product_id: Id
    pool_id: Id
    provider_id: Id
    packs: Annotated[int, Field(ge=1, le=10**6)]
    pack_size: Annotated[int, Field(ge=1, le=2**53)]
    mode: Mode
    status: SubscriptionStatus


@published_by("reorder_decision", topic="reorders", key="customer_id")
class TriggerSet(Event):
    """Requests a ThresholdCrossed when level + shelf_and_on_order <= max(at_level, at_days * rate)."""

    customer_id: Id
    product_id: Id
    pool_id: Id
    device_id: Id
    slot: Id
    #: Of the device; a slot with the same name in another registration is a different slot.
    registration: Registration | None = None
    epoch: Epoch
    at_level: Steps
    at_days: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    #: Goods of the pool that are not in this slot: shelf, on order, other slots.
    shelf_and_on_order: SignedSteps
    #: Number of consecutive reports for which the condition must hold.
    reports: Annotated[int, Field(ge=1, le=100)] = 1
    #: Requests SlotLevelChanged at every change, to sum up pools with several slots.
    follow: bool = False


class ReorderLine(BaseModel):
    """A product to order: for which slot, how much of it, and the receipt of the decision."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    #: Unique within the order.
    line_id: Id
    product_id: Id
    pool_id: Id
    #: The slot whose threshold crossing caused the line; the delivery fills a slot with direct loading.
    device_id: Id
    slot: Id
    epoch: Epoch
    packs: Packs
    pack_size: PackSize
    quantity: Steps
    #: Unit of pack_size and quantity, which count steps of 10**-scale of it.
    unit: BaseUnit | None = None
    scale: Scale = 0
    receipt_id: Id


@published_by("reorder_decision", topic="reorders", key="customer_id")
class ReorderApproved(Event):
    """Quantities of one or more products are to be ordered, once, from this provider, as one order.

    The fields of a single product are those of the first line.
    """

    order_id: Id
    customer_id: Id
    product_id: Id
    pool_id: Id
    provider_id: Id
    #: The slot whose threshold crossing caused the order; the delivery fills a slot with direct loading.
    device_id: Id
    slot: Id
    epoch: Epoch
    packs: Annotated[int, Field(ge=1, le=10**6)]
    pack_size: Annotated[int, Field(ge=1, le=2**53)]
    quantity: Steps
    #: Unit of pack_size and quantity, which count steps of 10**-scale of it.
    unit: BaseUnit | None = None
    scale: Annotated[int, Field(ge=0, le=6)] = 0
    needed_by: Moment | None = None
    receipt_id: Id
    decided_at: Moment
    #: At most one line per pool. Empty in events from before orders had lines; `all_lines` reads both.
    lines: tuple[ReorderLine, ...] = ()

    @property
    def all_lines(self) -> tuple[ReorderLine, ...]:
        if self.lines:
            return self.lines
        only = {name: getattr(self, name) for name in ReorderLine.model_fields if name != "line_id"}
        return (ReorderLine(line_id=FIRST_LINE, **only),)


def split_order_id(order_id: str, line_id: str) -> str:
    """Return the id of an order that begins with this line of an approved one.

    A provider that takes fewer lines per order gets several orders; the first keeps the approved id.
    """
    return str(uuid5(_SPLIT_ORDERS, f"{order_id}/{line_id}"))


@published_by("reorder_decision", topic="reorders", key="customer_id")
class ReorderHeld(Event):
    """Nothing is ordered for now; `wake_up` names what triggers the next decision."""

    customer_id: Id
    product_id: Id
    pool_id: Id
    epoch: Epoch
    reason: Text
    #: An event's name, or "time" together with `reconsider_at`.
    wake_up: Id
    reconsider_at: Moment | None = None
    order_id: Id | None = None
    receipt_id: Id
    decided_at: Moment
    #: The provider that an order would go to, if the customer has a subscription.
    provider_id: Id | None = None
    #: Since when the slot is paused at the provider, or the link with it has ended.
    since: Moment | None = None
    #: The provider's orders are test orders.
    test: bool = False


@published_by("reorder_decision", topic="reorders", key="customer_id")
class ReorderDeclined(Event):
    """A proposed order will not be placed."""

    customer_id: Id
    product_id: Id
    pool_id: Id
    epoch: Epoch
    order_id: Id
    reason: Text
    receipt_id: Id
    decided_at: Moment
