"""Levels of slots, published by consumption."""

from enum import StrEnum

from pydantic import Field

from replenish_contracts.catalogue import Event, Id, Moment, Rate, SignedSteps, Steps, Text, published_by
from replenish_contracts.events.usage import Reporter


class FillCause(StrEnum):
    """How a refill was detected."""

    REPORTED = "reported"
    MEASURED = "measured"
    ARRIVAL = "arrival"
    #: More was used than the level, so the slot must have been refilled without a report.
    INFERRED = "inferred"


class AnomalyCode(StrEnum):
    """What is wrong with a slot's reports."""

    #: More was used than the slot contained.
    OVERDRAWN = "overdrawn"
    #: Gaps in the sequence exceed the limit: the slot applies no reports until a person enters its level.
    TOO_MANY_GAPS = "too_many_gaps"
    #: The device counts one `seq` over all its slots instead of one per slot.
    SHARED_COUNTER = "shared_counter"
    #: Numbers of reports are missing.
    MISSING_REPORTS = "missing_reports"
    #: Reports arrive again after they were counted, or their numbers were used before.
    REPEATED_REPORTS = "repeated_reports"


@published_by("consumption", topic="slots", key="device_id")
class ThresholdCrossed(Event):
    """A slot's level plus `shelf_and_on_order` fell to the armed trigger; published once per epoch."""

    device_id: Id
    slot: Id
    customer_id: Id
    product_id: Id
    pool_id: Id
    epoch: int = Field(ge=1)
    level: SignedSteps
    #: Standard deviation of the level; it grows with silence.
    uncertainty: Rate
    rate_per_day: Rate
    run_out_at: Moment | None = None
    occurred_at: Moment


@published_by("consumption", topic="slots", key="device_id")
class SlotFilled(Event):
    """The slot's level rose by this much."""

    device_id: Id
    slot: Id
    customer_id: Id
    product_id: Id
    quantity: Steps
    level: SignedSteps
    cause: FillCause
    by: Reporter = Reporter.DEVICE
    order_id: Id | None = None
    occurred_at: Moment


@published_by("consumption", topic="slots", key="device_id")
class SlotCorrected(Event):
    """A person corrected the level; the difference counts neither as delivery nor as use."""

    device_id: Id
    slot: Id
    customer_id: Id
    product_id: Id
    difference: SignedSteps
    level: SignedSteps
    occurred_at: Moment


@published_by("consumption", topic="slots", key="device_id")
class SlotLevelChanged(Event):
    """The level of a followed slot changed; published for pools with several slots."""

    device_id: Id
    slot: Id
    customer_id: Id
    product_id: Id
    level: SignedSteps
    uncertainty: Rate
    rate_per_day: Rate
    occurred_at: Moment


@published_by("consumption", topic="slots", key="device_id")
class SlotAnomalyDetected(Event):
    """A slot's reports are contradictory or stopped; a person should check its level."""

    device_id: Id
    slot: Id
    customer_id: Id
    product_id: Id
    reason: Text
    #: Missing in older events: `overdrawn` or `too_many_gaps`.
    code: AnomalyCode | None = None
    level: SignedSteps
    uncertainty: Rate
    occurred_at: Moment
