"""Circuit breaker and token-bucket rate limit of one provider."""

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple


class BreakerState(IntEnum):
    """Breaker states with their gauge values."""

    CLOSED = 0
    #: One trial call is allowed; its result closes or reopens the breaker.
    PROBING = 1
    OPEN = 2


@dataclass(frozen=True, slots=True)
class CallLimits:
    """Consecutive failures until the breaker opens, its open time, sustained rate and burst."""

    failures: int
    open_seconds: float
    calls_per_second: float
    burst: int


class Refusal(NamedTuple):
    """Why a call may not be made, and after how many seconds to retry."""

    reason: str
    seconds: float


class CallGate:
    """Breaker and token bucket of one provider; times are monotonic seconds passed by the caller."""

    def __init__(self, limits: CallLimits, at: float) -> None:
        self._limits = limits
        self._failures = 0
        self._opens_at: float | None = None
        self._probing = False
        self._tokens, self._filled_at = float(limits.burst), at
        self._not_before = at

    def state(self, at: float) -> BreakerState:
        if self._opens_at is None:
            return BreakerState.CLOSED
        return BreakerState.PROBING if self._probing or at >= self._opens_at else BreakerState.OPEN

    def tokens(self, at: float) -> float:
        return min(self._limits.burst, self._tokens + (at - self._filled_at) * self._limits.calls_per_second)

    def acquire(self, at: float) -> Refusal | None:
        """Take a token for one call; return None if the call may be made."""
        if at < self._not_before:
            return Refusal("the provider requested a pause", self._not_before - at)
        if self._opens_at is not None and (self._probing or at < self._opens_at):
            return Refusal("too many calls failed", max(self._opens_at - at, self._limits.open_seconds / 2))
        tokens = self.tokens(at)
        if tokens < 1:
            return Refusal("the rate limit is reached", (1 - tokens) / self._limits.calls_per_second)
        self._tokens, self._filled_at = tokens - 1, at
        self._probing = self._opens_at is not None
        return None

    def succeeded(self) -> None:
        self._failures, self._opens_at, self._probing = 0, None, False

    def failed(self, at: float) -> None:
        self._failures += 1
        if self._probing or self._failures >= self._limits.failures:
            self._opens_at, self._probing = at + self._limits.open_seconds, False

    def pause(self, at: float, seconds: float) -> None:
        """Make no calls for this long (Retry-After); does not count as a failure."""
        self._not_before = max(self._not_before, at + seconds)
        self._probing = False
