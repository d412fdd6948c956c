"""Moments that somebody outside names."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AwareDatetime, Field

#: What is told here happens in the lives of people and their machines. Far outside, sums of times overflow, and
#: Postgres takes the first and the last moment that a datetime can hold for minus and plus infinity.
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)

#: A time with an offset that can be reckoned with; for the fields of requests.
NearMoment = Annotated[AwareDatetime, Field(ge=EARLIEST, le=LATEST)]


def bounded(at: datetime) -> datetime:
    """Return the moment in UTC, or the nearest one that can be reckoned with."""
    return min(max(at, EARLIEST), LATEST).astimezone(UTC)
