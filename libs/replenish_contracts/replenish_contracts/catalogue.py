"""Base class of events, and the catalogue that all derived contracts are generated from."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, ClassVar, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer

#: Owner of events that external producers write; their topics carry no sequence.
OUTSIDE = "outside"

#: Postgres cannot store U+0000.
NO_NUL = r"^[^\x00]*$"


def as_utc(moment: datetime) -> datetime:
    """Return the same moment in UTC, which is written with a Z in JSON."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # the first and last hours of datetime's range have no UTC
        return moment


Id = Annotated[str, Field(min_length=1, max_length=200, pattern=NO_NUL)]
#: A count of the slot's base steps; 2**53 keeps it exact in every JSON reader.
Steps = Annotated[int, Field(ge=0, le=2**53)]
SignedSteps = Annotated[int, Field(ge=-(2**53), le=2**53)]
#: Base steps used per day, an estimate and therefore not an integer.
Rate = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Moment = Annotated[AwareDatetime, PlainSerializer(as_utc, return_type=datetime, when_used="json")]
MAX_TEXT = 2000
Text = Annotated[str, Field(max_length=MAX_TEXT, pattern=NO_NUL)]


class Event(BaseModel):
    """One fact in the past tense. Unknown fields are ignored, so fields may be added."""

    # A service needs a few of these classes; building them all costs 8 MB and 0.2 s at every start.
    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    owner: ClassVar[str]
    topic: ClassVar[str]
    key_field: ClassVar[str]

    @property
    def key(self) -> str:
        """The Kafka key: events with equal keys share a partition and keep their order."""
        return str(getattr(self, self.key_field))


#: Every event by its name on the wire, in the order of a typical reorder.
CATALOGUE: dict[str, type[Event]] = {}

PublishedEvent = TypeVar("PublishedEvent", bound=Event)


def published_by(service: str, *, topic: str, key: str) -> Callable[[type[PublishedEvent]], type[PublishedEvent]]:
    """Register an event class in the catalogue with its publisher, topic and key field.

    `topic` may contain `{provider_id}`, which that field of the event fills in. Raises TypeError for an unknown key
    field or a duplicate name.
    """

    def enter(event: type[PublishedEvent]) -> type[PublishedEvent]:
        if key not in event.model_fields:
            raise TypeError(f"{event.__name__} is keyed by {key}, which is not one of its fields")
        if event.__name__ in CATALOGUE:
            raise TypeError(f"{event.__name__} is in the catalogue twice")
        event.owner, event.topic, event.key_field = service, topic, key
        CATALOGUE[event.__name__] = event
        return event

    return enter


def topic_of(event: Event) -> str:
    return event.topic.format_map(dict(event)) if "{" in event.topic else event.topic


__all__ = [
    "CATALOGUE",
    "NO_NUL",
    "OUTSIDE",
    "Event",
    "Id",
    "Moment",
    "Rate",
    "SignedSteps",
    "Steps",
    "Text",
    "as_utc",
    "published_by",
    "topic_of",
]
