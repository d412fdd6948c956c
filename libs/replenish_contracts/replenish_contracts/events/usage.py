"""Reports of devices and people, in base steps.

A report is identified by (device, slot, boot, seq): seq counts from 1 within a boot. Devices without a counter
omit boot and seq; their deltas are identified by `report_id`.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from replenish_contracts.catalogue import NO_NUL, Event, Id, Moment, Steps, published_by
from replenish_contracts.events.accounts import Registration

Boot = Annotated[str, Field(min_length=1, max_length=64, pattern=NO_NUL)]
Sequence = Annotated[int, Field(ge=1, le=2**53)]


class Reporter(StrEnum):
    """Source of a report: a sensor or a person."""

    DEVICE = "device"
    PERSON = "person"


@published_by("gateway", topic="usage", key="device_id")
class SlotUsed(Event):
    """A device used this much out of one of its slots since its last report."""

    device_id: Id
    slot: Id
    quantity: Steps
    boot: Boot | None = None
    seq: Sequence | None = None
    #: Identifies the report if boot and seq are missing.
    report_id: Id | None = None
    #: Of the device, if known to the publisher; a device registered again has a new one.
    registration: Registration | None = None
    #: Time of the device's clock, which may be wrong; never used for ordering.
    occurred_at: Moment
    received_at: Moment


@published_by("gateway", topic="usage", key="device_id")
class SlotMeasured(Event):
    """A sensor or a person measured the level of a slot."""

    device_id: Id
    slot: Id
    level: Steps
    by: Reporter = Reporter.DEVICE
    boot: Boot | None = None
    seq: Sequence | None = None
    report_id: Id | None = None
    registration: Registration | None = None
    occurred_at: Moment
    received_at: Moment


@published_by("gateway", topic="usage", key="device_id")
class SlotRefilled(Event):
    """A slot was refilled by this quantity, or completely if there is none."""

    device_id: Id
    slot: Id
    quantity: Steps | None = None
    by: Reporter = Reporter.PERSON
    boot: Boot | None = None
    seq: Sequence | None = None
    report_id: Id | None = None
    registration: Registration | None = None
    occurred_at: Moment
    received_at: Moment
