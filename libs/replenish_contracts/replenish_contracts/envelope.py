"""The CloudEvents 1.0 envelope of every event, in structured JSON: the record's value contains everything."""

from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from replenish_contracts.catalogue import Event, Id, Moment

#: The dense number of an event within its topic partition, as CloudEvents' sequence extension writes it.
Sequence = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,18}$")]


class Envelope(BaseModel):
    """One event with its CloudEvents attributes. Unknown attributes are ignored, so attributes may be added."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    #: The event's class name in replenish_contracts.events.
    type: Id
    specversion: Literal["1.0"] = Field(default=..., description="The version of CloudEvents.")
    id: Annotated[Id, Field(description="Unique for each source; the same id is the same event.")]
    source: Annotated[
        Id, Field(description="The publisher: /replenish/<service>, or the name of an external producer.")
    ]
    subject: Annotated[Id | None, Field(description="The value that orders the event: its Kafka key.")] = None
    time: Annotated[Moment, Field(description="When it was published.")]
    sequence: Annotated[
        Sequence | None, Field(description="1, 2, 3 ... in each partition of our own topics; a gap proves a loss.")
    ] = None
    cause: Annotated[Id | None, Field(description="The id of the event that led to this one.")] = None
    traceparent: Annotated[Id | None, Field(description="W3C trace context.")] = None
    datacontenttype: Id = "application/json"
    #: The event itself, by the schema of its type.
    data: Any


@cache
def envelope_of(event: type[Event]) -> type[Envelope]:
    """Return the envelope class of this event; its schema describes the message on the wire."""
    return create_model(
        f"{event.__name__}Envelope",
        __base__=Envelope,
        __doc__=event.__doc__,
        type=(Literal[event.__name__], ...),  # type: ignore[arg-type]  # the one name is computed
        data=(event, ...),
    )
