"""What reorder_decision decided, and what it waits for."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from libs.contracts.catalogue import Event, Id, Moment, SignedSteps, Steps, Text, said_by
from libs.contracts.events.accounts import Registration
from libs.units import BaseUnit

Epoch = Annotated[int, Field(ge=1)]


class Mode(StrEnum):
    """How far a subscription may go on its own."""

    AUTO = "auto"
    APPROVE = "approve"
    NOTIFY = "notify"


class SubscriptionStatus(StrEnum):
    """Whether a subscription orders."""

    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"


@said_by("reorder_decision", on="reorders", key="customer_id")
class SubscriptionChanged(Event):
    """A customer wants this product kept in the house, from this provider, in this way."""

    customer_id: Id
    subscription_id: Id
    product_id: Id
    pool_id: Id
    provider_id: Id
    packs: Annotated[int, Field(ge=1, le=10**6)]
    pack_size: Annotated[int, Field(ge=1, le=2**53)]
    mode: Mode
    status: SubscriptionStatus


@said_by("reorder_decision", on="reorders", key="customer_id")
class TriggerSet(Event):
    """Consumption is asked to say once when level + elsewhere <= max(at_level, at_days * rate)."""

    customer_id: Id
    product_id: Id
    pool_id: Id
    device_id: Id
    slot: Id
    #: Of the device; a slot of another registration is another slot, whatever its name.
    registration: Registration | None = None
    epoch: Epoch
    at_level: Steps
    at_days: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    #: Goods of the pool that are not in this slot: shelf, on order, other slots.
    elsewhere: SignedSteps
    #: For how many reports in a row it must hold.
    reports: Annotated[int, Field(ge=1, le=100)] = 1
    #: Ask for SlotLevelChanged at every change: pools with several slots are summed by the asker.
    follow: bool = False


@said_by("reorder_decision", on="reorders", key="customer_id")
class ReorderApproved(Event):
    """This much of a product is to be ordered, once, from this provider."""

    order_id: Id
    customer_id: Id
    product_id: Id
    pool_id: Id
    provider_id: Id
    #: The slot whose crossing led to it; a direct slot is filled by the arrival.
    device_id: Id
    slot: Id
    epoch: Epoch
    packs: Annotated[int, Field(ge=1, le=10**6)]
    pack_size: Annotated[int, Field(ge=1, le=2**53)]
    quantity: Steps
    #: What pack size and quantity count: steps of 10**-scale of the slot's unit.
    unit: BaseUnit | None = None
    scale: Annotated[int, Field(ge=0, le=6)] = 0
    needed_by: Moment | None = None
    receipt_id: Id
    decided_at: Moment


@said_by("reorder_decision", on="reorders", key="customer_id")
class ReorderHeld(Event):
    """Nothing is ordered now for this reason; the wake-up names what will be waited for."""

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


@said_by("reorder_decision", on="reorders", key="customer_id")
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
