"""Polls a condition until a deadline."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from deploy.local.errors import StackError

POLL_SECONDS = 0.02


async def until(
    condition: Callable[[], bool | Awaitable[bool]], what: str, *, within_s: float, every_s: float = POLL_SECONDS
) -> None:
    """Return as soon as `condition` holds; raises StackError naming `what` after `within_s`."""
    deadline = time.monotonic() + within_s
    while True:
        held = condition()
        if held if isinstance(held, bool) else await held:
            return
        if time.monotonic() > deadline:
            raise StackError(f"not within {within_s:g} s: {what}")
        await asyncio.sleep(every_s)
