"""How much is asked of one provider: so many calls a second, and none for a while after too many failures."""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple


class Position(IntEnum):
    """Where a breaker stands; the numbers are what the gauge shows."""

    CLOSED = 0
    #: One call goes through; its end decides.
    PROBING = 1
    OPEN = 2


@dataclass(frozen=True, slots=True)
class Limits:
    """How patient we are with a provider."""

    failures: int
    open_seconds: float
    calls_per_second: float
    burst: int


class Refusal(NamedTuple):
    """Why a call is not made, and the seconds until it makes sense to ask again."""

    reason: str
    seconds: float


class Pace:
    """One provider's breaker and bucket, in monotonic seconds that are passed in."""

    def __init__(self, limits: Limits, at: float) -> None:
        self._limits = limits
        self._failures = 0
        self._opens_at: float | None = None
        self._probing = False
        self._tokens, self._filled_at = float(limits.burst), at
        self._not_before = at

    def position(self, at: float) -> Position:
        if self._opens_at is None:
            return Position.CLOSED
        return Position.PROBING if self._probing or at >= self._opens_at else Position.OPEN

    def tokens(self, at: float) -> float:
        """Return how many calls could be made at this moment."""
        return min(self._limits.burst, self._tokens + (at - self._filled_at) * self._limits.calls_per_second)

    def ask(self, at: float) -> Refusal | None:
        """Take a call: None if it may be made, else why not."""
        if at < self._not_before:
            return Refusal("the provider asked for a pause", self._not_before - at)
        if self._opens_at is not None and (self._probing or at < self._opens_at):
            return Refusal("too many calls failed", max(self._opens_at - at, self._limits.open_seconds / 2))
        tokens = self.tokens(at)
        if tokens < 1:
            return Refusal("the rate limit is reached", (1 - tokens) / self._limits.calls_per_second)
        self._tokens, self._filled_at = tokens - 1, at
        self._probing = self._opens_at is not None
        return None

    def succeeded(self) -> None:
        """Note that an answer came that makes sense."""
        self._failures, self._opens_at, self._probing = 0, None, False

    def failed(self, at: float) -> None:
        """Note a call that had no such answer."""
        self._failures += 1
        if self._probing or self._failures >= self._limits.failures:
            self._opens_at, self._probing = at + self._limits.open_seconds, False

    def pause(self, at: float, seconds: float) -> None:
        """Note that the provider wants to be left alone for so long; that is no failure."""
        self._not_before = max(self._not_before, at + seconds)
        self._probing = False
