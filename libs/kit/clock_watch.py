"""Notices that somebody stepped the clock: the file all processes share tells nobody."""

import asyncio
import time
from typing import Protocol

from libs.kit.clock import Clock

#: A look costs 0.1 ms. Whoever steps the clock waits for what becomes due, and mostly steps it again soon.
SOON_SECONDS = 1.0
SOON_POLL_SECONDS, POLL_SECONDS = 0.01, 0.05


class Waiting(Protocol):
    """A part that has things to do when it gets late."""

    def clock_stepped(self) -> None: ...


class ClockWatch:
    """Tells the parts that wait for the time, where time does not pass by itself."""

    def __init__(self, clock: Clock, *waiting: Waiting) -> None:
        self._clock, self._waiting = clock, waiting

    async def run(self) -> None:
        seen, stepped_at = self._clock.now(), 0.0
        while self._clock.stepped:
            soon = time.monotonic() - stepped_at < SOON_SECONDS
            await asyncio.sleep(SOON_POLL_SECONDS if soon else POLL_SECONDS)
            if (now := self._clock.now()) != seen:
                seen, stepped_at = now, time.monotonic()
                for part in self._waiting:
                    part.clock_stepped()
