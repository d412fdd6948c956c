"""Time: the business clock, its steps, bounds for times from outside, and waiting with a time limit."""

import asyncio
import mmap
import struct
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Protocol

from pydantic import AwareDatetime, BeforeValidator, Field

from replenish_contracts.moments import settle_leap_second

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECONDS = struct.Struct("<q")


class Clock(Protocol):
    """Business time. Tokens, leases and rate limits use real time instead."""

    stepped: bool

    def now(self) -> datetime:
        """Return an aware datetime in UTC."""
        ...


class RealClock:
    stepped = False

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251  # this is the one place


class SteppedClock:
    """A clock in a file of 8 bytes (microseconds since 1970, little endian) that only moves when stepped."""

    stepped = True

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), _MICROSECONDS.size)

    @classmethod
    def create(cls, path: Path, at: datetime) -> "SteppedClock":
        """Create the file with the time `at` and return its clock."""
        path.write_bytes(_MICROSECONDS.pack(_microseconds(at)))
        return cls(path)

    def now(self) -> datetime:
        return _EPOCH + timedelta(microseconds=_MICROSECONDS.unpack(self._memory[:8])[0])

    def step_to(self, at: datetime) -> None:
        """Set the time of every process that shares the file; raises ValueError if `at` is earlier than now."""
        if at < self.now():
            raise ValueError(f"the clock cannot go back from {self.now()} to {at}")
        self._memory[:8] = _MICROSECONDS.pack(_microseconds(at))


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def clock_from(path: Path | None) -> Clock:
    """Return the stepped clock stored in `path`, or the real one without a path."""
    return SteppedClock(path) if path else RealClock()


#: A poll costs 0.1 ms. After a step the next one usually follows soon, so polling is faster for a while.
SOON_SECONDS = 1.0
SOON_POLL_SECONDS, POLL_SECONDS = 0.01, 0.05


class Waiting(Protocol):
    """A component with work that becomes due as time passes."""

    def clock_stepped(self) -> None: ...


class ClockWatch:
    """Notifies components of every step of the clock; returns at once with a real clock."""

    def __init__(self, clock: Clock, *waiting: Waiting) -> None:
        self._clock, self._waiting = clock, waiting

    async def run(self) -> None:
        last_time, stepped_at = self._clock.now(), 0.0
        while self._clock.stepped:
            soon = time.monotonic() - stepped_at < SOON_SECONDS
            await asyncio.sleep(SOON_POLL_SECONDS if soon else POLL_SECONDS)
            if (now := self._clock.now()) != last_time:
                last_time, stepped_at = now, time.monotonic()
                for part in self._waiting:
                    part.clock_stepped()


#: Plausible times for households. Far outside, sums of times overflow, and Postgres reads the first and last
#: moment of a datetime as minus and plus infinity.
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def _settle(value: object) -> object:
    return (settle_leap_second(value) if isinstance(value, str) else None) or value


#: A time with an offset and within the bounds, for fields of requests; a leap second is the microsecond before it.
NearMoment = Annotated[AwareDatetime, BeforeValidator(_settle), Field(ge=EARLIEST, le=LATEST)]


def bounded(at: datetime) -> datetime:
    """Return the moment in UTC, clamped to EARLIEST and LATEST."""
    return min(max(at, EARLIEST), LATEST).astimezone(UTC)


async def wait_for_event(woken: asyncio.Event, seconds: float | None) -> bool:
    """Wait until the event is set, at most `seconds` if given, and return whether it was set."""
    try:
        async with asyncio.timeout(seconds):
            await woken.wait()
    except TimeoutError:
        return False
    return True
