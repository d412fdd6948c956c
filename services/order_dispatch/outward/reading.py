"""Reads what others write: JSON that may be anything becomes our words, or Garbled."""

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

import orjson
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

#: What we keep of somebody's prose.
LONGEST_TEXT = 500


class Garbled(Exception):  # noqa: N818  # what happened
    """These bytes do not say anything in the words of the protocol."""


def _tidied(text: Any) -> Any:
    """Cut prose to size and take out what Postgres cannot keep; identities are never tidied."""
    return text.replace("\x00", "")[:LONGEST_TEXT] if isinstance(text, str) else text


Prose = Annotated[str, BeforeValidator(_tidied)]
#: Somebody's name for something.
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Moment = AwareDatetime
Currency = Annotated[str, Field(pattern="^[A-Za-z]{3}$")]
Count = Annotated[int, Field(ge=0, le=2**53, strict=True)]


class Wording(BaseModel):
    """What we read of somebody's object; members we do not know are theirs."""

    model_config = ConfigDict(frozen=True, extra="ignore")


Read = TypeVar("Read", bound=Wording)


def read(shape: type[Read], body: bytes) -> Read:
    """Return the body as this shape; raises Garbled."""
    try:
        return shape.model_validate(orjson.loads(body))
    except orjson.JSONDecodeError as wrong:
        raise Garbled("this is no JSON") from wrong
    except ValidationError as wrong:
        first = wrong.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the body"
        raise Garbled(f"{place}: {first['msg']}") from wrong
    except RecursionError as wrong:
        raise Garbled("this is nested too deeply") from wrong


def find(shape: type[Read], body: bytes) -> Read | None:
    """Return the body as this shape, or nothing where it is something else."""
    try:
        return read(shape, body)
    except Garbled:
        return None


def retry_after(headers: Mapping[str, str], otherwise: float) -> float:
    """Return the seconds a reply that is neither 429 nor 503 asks us to wait."""
    text = headers.get("retry-after", "")
    return min(float(text), 60.0) if text.isascii() and text.isdigit() and len(text) < 4 else otherwise  # noqa: PLR2004  # three digits are enough
