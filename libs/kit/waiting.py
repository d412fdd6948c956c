"""Waiting for an event with a poll interval."""

import asyncio


async def wait_for_event(woken: asyncio.Event, seconds: float | None) -> bool:
    """Wait until the event is set, at most `seconds` if given, and return whether it was set."""
    try:
        async with asyncio.timeout(seconds):
            await woken.wait()
    except TimeoutError:
        return False
    return True
