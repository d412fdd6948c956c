"""How parts wait that somebody may wake, and that look now and then all the same."""

import asyncio


async def woken_within(woken: asyncio.Event, seconds: float | None) -> bool:
    """Wait until the event is set, but no longer than this where a time is given, and return whether it was."""
    try:
        async with asyncio.timeout(seconds):
            await woken.wait()
    except TimeoutError:
        return False
    return True
