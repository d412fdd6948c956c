"""What devices and people report, in base steps; the front door of the system.

A report is known by (device, slot, boot, seq): seq counts from 1 within a boot. Devices that
count nothing leave boot and seq out; their deltas are known by `report_id`.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from libs.contracts.catalogue import NO_NUL, Event, Id, Moment, Steps, said_by
from libs.contracts.events.accounts import Registration

Boot = Annotated[str, Field(min_length=1, max_length=64, pattern=NO_NUL)]
Sequence = Annotated[int, Field(ge=1, le=2**53)]


class Reporter(StrEnum):
    """Who says so: a sensor, or somebody who looked."""

    DEVICE = "device"
    PERSON = "person"


@said_by("gateway", on="usage", key="device_id")
class SlotUsed(Event):
    """A device used this much out of one of its slots since its last report."""

    device_id: Id
    slot: Id
    quantity: Steps
    boot: Boot | None = None
    seq: Sequence | None = None
    #: Names the report where boot and seq do not.
    report_id: Id | None = None
    #: Of the device, where the writer knows it: a device that left and came back is another one.
    registration: Registration | None = None
    #: The device's own clock, which may be wrong; never used for order.
    at: Moment
    received_at: Moment


@said_by("gateway", on="usage", key="device_id")
class SlotMeasured(Event):
    """A sensor or a person saw that this much is in the slot."""

    device_id: Id
    slot: Id
    level: Steps
    by: Reporter = Reporter.DEVICE
    boot: Boot | None = None
    seq: Sequence | None = None
    report_id: Id | None = None
    registration: Registration | None = None
    at: Moment
    received_at: Moment


@said_by("gateway", on="usage", key="device_id")
class SlotRefilled(Event):
    """Somebody loaded this much into the slot; without a quantity it became full."""

    device_id: Id
    slot: Id
    quantity: Steps | None = None
    by: Reporter = Reporter.PERSON
    boot: Boot | None = None
    seq: Sequence | None = None
    report_id: Id | None = None
    registration: Registration | None = None
    at: Moment
    received_at: Moment
