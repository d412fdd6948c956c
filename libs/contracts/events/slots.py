"""What consumption knows about slots."""

from enum import StrEnum

from pydantic import Field

from libs.contracts.catalogue import Event, Id, Moment, Rate, SignedSteps, Steps, Text, said_by
from libs.contracts.events.usage import Reporter


class FillCause(StrEnum):
    """How it is known that goods came into the slot."""

    REPORTED = "reported"
    MEASURED = "measured"
    ARRIVAL = "arrival"
    #: More was used than was there, so somebody must have loaded a slot by hand and told nobody.
    INFERRED = "inferred"


@said_by("consumption", on="slots", key="device_id")
class ThresholdCrossed(Event):
    """A slot's level and what is under way no longer reach past the armed trigger; said once per epoch."""

    device_id: Id
    slot: Id
    customer_id: Id
    product_id: Id
    pool_id: Id
    epoch: int = Field(ge=1)
    level: SignedSteps
    #: Standard deviation of the level; it grows with silence.
    doubt: Rate
    rate_per_day: Rate
    run_out_at: Moment | None = None
    at: Moment


@said_by("consumption", on="slots", key="device_id")
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
    at: Moment


@said_by("consumption", on="slots", key="device_id")
class SlotCorrected(Event):
    """A person set the level straight; the difference is nobody's delivery and nobody's use."""

    device_id: Id
    slot: Id
    customer_id: Id
    product_id: Id
    difference: SignedSteps
    level: SignedSteps
    at: Moment


@said_by("consumption", on="slots", key="device_id")
class SlotLevelChanged(Event):
    """A followed slot is at this level now; said for slots of pools that have several."""

    device_id: Id
    slot: Id
    customer_id: Id
    product_id: Id
    level: SignedSteps
    doubt: Rate
    rate_per_day: Rate
    at: Moment


@said_by("consumption", on="slots", key="device_id")
class SlotDoubted(Event):
    """A slot's reports contradict themselves or stopped; its level should be looked at by a person."""

    device_id: Id
    slot: Id
    customer_id: Id
    product_id: Id
    reason: Text
    level: SignedSteps
    doubt: Rate
    at: Moment
