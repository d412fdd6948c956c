"""Changes instance counts of a running stack through a file in its home, which the supervisor reads."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping

from deploy.local.errors import StackError
from deploy.local.home import Home
from deploy.local.names import for_people, for_python
from deploy.local.stack import Stack

LOOK_EVERY_SECONDS = 0.5


def wish(home: Home, counts: Mapping[str, int]) -> None:
    """Request instance counts from the running stack."""
    fresh = home.scale_wish.with_suffix(".new")
    fresh.write_text(json.dumps({for_people(service): count for service, count in counts.items()}))
    fresh.replace(home.scale_wish)


def await_wish(home: Home, counts: Mapping[str, int]) -> None:
    """Return when the stack runs the requested counts; raises StackError if it does not."""
    while home.scale_wish.exists() or home.read_state().get("condition") == "scaling":
        if not home.is_owned():
            raise StackError("the stack was stopped in the meantime")
        time.sleep(LOOK_EVERY_SECONDS)
    runs = home.read_state()["scale"]
    if wrong := [for_people(service) for service, count in counts.items() if runs[for_people(service)] != count]:
        raise StackError(f"{', '.join(wrong)} not scaled; see {home.logs / 'supervisor.log'}")


async def follow_wishes(stack: Stack, say: Callable[[str], None]) -> None:
    """Apply scaling requests until cancelled; a failed request leaves the stack as it was."""
    while True:
        await asyncio.sleep(LOOK_EVERY_SECONDS)
        if stack.home.scale_wish.exists():
            await _fulfil(stack, say)


async def _fulfil(stack: Stack, say: Callable[[str], None]) -> None:
    place = stack.home.scale_wish
    try:
        wished = {for_python(name): int(count) for name, count in json.loads(place.read_text()).items()}
        await stack.rescale(wished, taken=place.unlink)
    except (StackError, ValueError, KeyError) as error:
        place.unlink(missing_ok=True)
        say(f"not scaled: {error}")
