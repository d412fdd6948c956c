"""How large a request may be. What is more is read and thrown away, so that its sender gets the answer."""

import asyncio
import contextlib

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Nobody sends more at once; a service may take less.
LARGEST_BYTES = 1_048_576
#: An answer that is sent while its reader still writes is lost with the connection. So much is read on for.
DISCARDED_BYTES = 64 * 1_048_576
DISCARD_SECONDS, DISCARD_PAUSE_SECONDS = 30.0, 2.0


class LimitedBodies:
    """Lets no request hold more memory than LARGEST_BYTES, whoever sends it and whatever reads it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, _limited(receive) if scope["type"] == "http" else receive, send)


def _limited(receive: Receive) -> Receive:
    read = 0

    async def counted() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > LARGEST_BYTES:
            if message.get("more_body"):
                await _discard(receive)
            detail = f"The body is too large: send at most {LARGEST_BYTES} bytes at once"
            raise HTTPException(413, detail, {"Connection": "close"})
        return message

    return counted


async def _discard(receive: Receive) -> None:
    """Read a body to its end and keep nothing of it; give up where it is endless or its sender pauses."""
    left = DISCARDED_BYTES
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DISCARD_SECONDS):
            while left > 0:
                async with asyncio.timeout(DISCARD_PAUSE_SECONDS):
                    message = await receive()
                left -= len(message.get("body", b""))
                if not message.get("more_body"):
                    return
