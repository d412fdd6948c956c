"""Polls a stepped clock, because a change of the shared file raises no event."""

import asyncio
import time
from typing import Protocol

from libs.kit.clock import Clock

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
