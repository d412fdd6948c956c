"""Bounds for times from outside."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AwareDatetime, Field

#: Plausible times for households. Far outside, sums of times overflow, and Postgres reads the first and last
#: moment of a datetime as minus and plus infinity.
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)

#: A time with an offset and within the bounds, for fields of requests.
NearMoment = Annotated[AwareDatetime, Field(ge=EARLIEST, le=LATEST)]


def bounded(at: datetime) -> datetime:
    """Return the moment in UTC, clamped to EARLIEST and LATEST."""
    return min(max(at, EARLIEST), LATEST).astimezone(UTC)
