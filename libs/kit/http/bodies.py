"""Limits the size of request bodies; the rest of an oversized body is discarded so that the client receives the 413."""

import asyncio
import contextlib

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Upper limit for every service; a service may set a lower one.
LARGEST_BYTES = 1_048_576
#: A response sent while the client is still writing is lost with the connection, so up to this much is discarded first.
DISCARDED_BYTES = 64 * 1_048_576
DISCARD_SECONDS, DISCARD_PAUSE_SECONDS = 30.0, 2.0


class LimitedBodies:
    """ASGI middleware that rejects bodies over LARGEST_BYTES before they are held in memory."""

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
            detail = f"The body is too large: send at most {LARGEST_BYTES} bytes"
            raise HTTPException(413, detail, {"Connection": "close"})
        return message

    return counted


async def _discard(receive: Receive) -> None:
    """Discard the rest of a body, up to DISCARDED_BYTES, DISCARD_SECONDS, or a pause of DISCARD_PAUSE_SECONDS."""
    left = DISCARDED_BYTES
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DISCARD_SECONDS):
            while left > 0:
                async with asyncio.timeout(DISCARD_PAUSE_SECONDS):
                    message = await receive()
                left -= len(message.get("body", b""))
                if not message.get("more_body"):
                    return
