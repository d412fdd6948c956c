"""Parses untrusted JSON of providers into typed models."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Annotated, Any, TypeVar

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    TypeAdapter,
    ValidationError,
)

from libs.http_client.exchange import UnknownOutcomeError
from replenish_contracts.catalogue import NO_NUL
from replenish_contracts.events import UpdateNote
from replenish_contracts.tolerant import MissingDetailError, as_word, load_json, read_tolerantly
from replenish_contracts.updates import without_unpriced

#: Free text is cut to this length.
LONGEST_TEXT = 500


class UnreadableAnswerError(Exception):
    """The body is not a valid message of the protocol."""


class UnreadableResponseError(UnknownOutcomeError):
    """The provider responded, and what it responded cannot be read, so the result of the call is unknown."""


#: Text for people, such as a reason. One that is too long is cut, and U+0000, which Postgres cannot store, removed.
FreeText = Annotated[str, Field(max_length=LONGEST_TEXT, pattern=NO_NUL)]
#: A word of a protocol as the provider spells it; a value that is no text is shown as JSON.
Word = Annotated[str, BeforeValidator(as_word)]
#: An id or code chosen by the provider.
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Moment = AwareDatetime
Currency = Annotated[str, Field(pattern="^[A-Za-z]{3}$")]
Count = Annotated[int, Field(ge=0, le=2**53, strict=True)]


class ProviderMessage(BaseModel):
    """Base of messages from providers; unknown fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    #: Details that `read` left out, with the reasons.
    dropped: tuple[UpdateNote, ...] = ()


Read = TypeVar("Read", bound=ProviderMessage)


def parse(shape: type[Read], body: bytes) -> Read:
    """Parse the body, of which every field must be valid. Raises UnreadableAnswerError with the first that is not."""
    try:
        return shape.model_validate(_load(body))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "the body"
        raise UnreadableAnswerError(f"{field}: {first['msg']}") from error


def read(shape: type[Read], body: bytes, *, price: str | None = None) -> Read:
    """Parse the body and leave out optional details that are invalid; `dropped` of the message names them.

    With a currency that is invalid, so are the prices, which are fields with the name `price`. Raises
    UnreadableAnswerError if a required field of the message is missing or invalid.
    """
    document = _load(body)
    notes: list[UpdateNote] = []
    if price is not None and isinstance(document, dict):
        document = _drop_prices(document, price, notes)
    try:
        reading = read_tolerantly(document, shape.model_validate)
    except MissingDetailError as error:
        raise UnreadableAnswerError(str(error) if isinstance(document, dict) else "the body is no object") from error
    message: Read = reading.value
    return message.model_copy(update={"dropped": (*notes, *reading.notes)})


def _load(body: bytes) -> Any:
    if not body.strip():
        raise UnreadableAnswerError("the body is empty")
    try:
        return load_json(body)
    except ValueError as error:
        kind = "HTML or XML, not JSON" if body.lstrip().startswith(b"<") else "not valid JSON"
        raise UnreadableAnswerError(f"the body is {kind}") from error
    except RecursionError as error:
        raise UnreadableAnswerError("the body is nested too deeply") from error


def _drop_prices(document: dict[str, Any], price: str, notes: list[UpdateNote]) -> dict[str, Any]:
    data = document.get("data")
    if isinstance(data, dict):
        inner: list[UpdateNote] = []
        document = document | {"data": without_unpriced(data, price, inner)}
        notes += [note.model_copy(update={"field": f"data.{note.field}"}) for note in inner]
        return document
    return without_unpriced(document, price, notes)


def read_or_none(shape: type[Read], body: bytes) -> Read | None:
    try:
        return read(shape, body)
    except UnreadableAnswerError:
        return None


#: A date, possibly with the offset that XML Schema allows.
_DATE = re.compile(r"(\d{4}-\d{2}-\d{2}|\d{8}|\d{4}-W\d{2}-\d)(?:Z|[+-]\d{2}:?\d{2})?", re.ASCII | re.IGNORECASE)
#: The end of a day in ISO 8601 and its leap second, which datetime does not have.
_END_OF_DAY = re.compile(r"(?<=\d)[Tt ](?:24:?00(?::?00)?|23:?59:?60)(?:[.,]0*)?(?=$|[Zz+-])", re.ASCII)
_LAST_SECOND = time(23, 59, 59)
_MOMENT = TypeAdapter(datetime)


def parse_promise(text: object) -> datetime | date | None:
    """Parse the promised date or time of a delivery in ISO 8601; None if it is neither.

    A time is returned in UTC, and without an offset it is one in UTC. Systems without a type for dates write one as
    the first or the last second of the day, so such a time is a date, in the offset that it is written with.
    """
    if not isinstance(text, str):
        return None
    text = text.strip()
    try:
        if written := _DATE.fullmatch(text):
            return date.fromisoformat(written[1].upper())
        moment = _MOMENT.validate_strings(_END_OF_DAY.sub("T23:59:59", text))
        if moment.time().replace(microsecond=0) in (time.min, _LAST_SECOND):
            return moment.date()
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):  # OverflowError: UTC of years 1 and 9999 can be out of range
        return None


def _require_promise(text: object) -> datetime | date:
    promise = parse_promise(text)
    if promise is None:
        raise ValueError("not a date or a time")
    return promise


#: A promised date or time.
Promised = Annotated[datetime | date, PlainValidator(_require_promise)]


def retry_after(headers: Mapping[str, str], otherwise: float) -> float:
    """Return Retry-After in seconds, at most 60, of a reply that is neither 429 nor 503."""
    text = headers.get("retry-after", "")
    return min(float(text), 60.0) if text.isascii() and text.isdigit() and len(text) < 4 else otherwise  # noqa: PLR2004  # three digits are enough
