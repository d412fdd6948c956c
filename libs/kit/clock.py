"""The only source of time: the machine's clock, or a file-backed clock that local processes share and a test steps."""

import mmap
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

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
