"""The one source of time: real, or a clock that all local processes share and somebody steps."""

import mmap
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECONDS = struct.Struct("<q")


class Clock(Protocol):
    """What services ask for the time; tokens, leases and rate limits do not use it."""

    stepped: bool

    def now(self) -> datetime:
        """Return the time as an aware datetime in UTC."""
        ...


class RealClock:
    """The machine's clock."""

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
        """Make the file, showing `at`, and return its clock."""
        path.write_bytes(_MICROSECONDS.pack(_microseconds(at)))
        return cls(path)

    def now(self) -> datetime:
        return _EPOCH + timedelta(microseconds=_MICROSECONDS.unpack(self._memory[:8])[0])

    def step_to(self, at: datetime) -> None:
        """Move every process's time to `at`, which must not lie in its past."""
        if at < self.now():
            raise ValueError(f"a clock does not go back: it shows {self.now()}, asked for {at}")
        self._memory[:8] = _MICROSECONDS.pack(_microseconds(at))


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def clock_from(path: Path | None) -> Clock:
    """Return the stepped clock of that file, or the real one."""
    return SteppedClock(path) if path else RealClock()
