"""Reads a request's body without ever holding more of it than is allowed."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import HTTPException, Request

from libs.kit.http.problems import ProblemError
from services.gateway.api import metrics
from services.gateway.settings import Settings

CLOSE = {"Connection": "close"}


class Budget:
    """How many bytes all requests together may hold."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0

    def take(self, amount: int) -> None:
        """Take so many bytes, or raise 503 while others hold them."""
        if self.used + amount > self.limit:
            raise ProblemError(
                503, "busy", "Too much is under way", detail="send the same again later", headers={"Retry-After": "1"}
            )
        self.used += amount
        metrics.BYTES_UNDER_WAY.set(self.used)

    def give(self, amount: int) -> None:
        """Give them back."""
        self.used -= amount
        metrics.BYTES_UNDER_WAY.set(self.used)

    @contextmanager
    def hold(self) -> Iterator["Held"]:
        """Return what one request holds; it is given back at the end."""
        held = Held(self)
        try:
            yield held
        finally:
            self.give(held.bytes)


class Held:
    """One request's part of the budget."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.bytes = 0

    def more(self, amount: int) -> None:
        """Take more, or raise 503 while others hold everything."""
        self._budget.take(amount)
        self.bytes += amount


async def read_body(request: Request, settings: Settings, held: Held) -> bytes:
    """Return the body; stop reading as soon as it is too large or too slow."""
    limit = settings.largest_body_bytes
    if request.headers.get("content-encoding", "identity") != "identity":
        raise ProblemError(415, "unsupported_encoding", "Send the body uncompressed")
    try:
        async with asyncio.timeout(settings.body_seconds):
            return await _collect(request, limit, held)
    except TimeoutError:
        detail = f"within {settings.body_seconds:g} s"
        raise ProblemError(408, "too_slow", "The body did not arrive in time", detail=detail, headers=CLOSE) from None
    except HTTPException:  # the kit's: it is more than any service reads
        raise _too_large(limit) from None


async def _collect(request: Request, limit: int, held: Held) -> bytes:
    parts: list[bytes] = []
    async for part in request.stream():
        held.more(len(part))
        if held.bytes > limit:
            raise _too_large(limit)
        parts.append(part)
    return b"".join(parts)


def _too_large(limit: int) -> ProblemError:
    detail = f"send at most {limit} bytes at once, in several requests"
    return ProblemError(413, "body_too_large", "The body is too large", detail=detail, headers=CLOSE)
