"""Reads request bodies within limits of size, time and memory."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import HTTPException, Request

from libs.kit.http.problems import ProblemError
from services.gateway.api import metrics
from services.gateway.settings import Settings

CLOSE = {"Connection": "close"}


class MemoryBudget:
    """Limit of the bytes that all requests together may hold."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0

    def acquire(self, amount: int) -> None:
        """Add to the bytes in use; raises 503 if that exceeds the limit."""
        if self.used + amount > self.limit:
            detail = "Too many reports are being processed. Send the same request again."
            raise ProblemError(503, "busy", "The gateway is busy", detail=detail, headers={"Retry-After": "1"})
        self.used += amount
        metrics.IN_FLIGHT_BYTES.set(self.used)

    def release(self, amount: int) -> None:
        self.used -= amount
        metrics.IN_FLIGHT_BYTES.set(self.used)

    @contextmanager
    def reserve(self) -> Iterator["Reservation"]:
        """Yield an empty reservation that grows; it is released at the end of the block."""
        reservation = Reservation(self)
        try:
            yield reservation
        finally:
            self.release(reservation.bytes)


class Reservation:
    """The part of the budget that one request holds."""

    def __init__(self, budget: MemoryBudget) -> None:
        self._budget = budget
        self.bytes = 0

    def grow(self, amount: int) -> None:
        self._budget.acquire(amount)
        self.bytes += amount


async def read_body(request: Request, settings: Settings, reservation: Reservation) -> bytes:
    """Return the body; raises 413 or 408 and stops reading as soon as it is too large or too slow."""
    if request.headers.get("content-encoding", "identity") != "identity":
        raise ProblemError(415, "unsupported_encoding", "Send the body without compression")
    parts: list[bytes] = []
    try:
        async with asyncio.timeout(settings.body_timeout_seconds):
            async for part in request.stream():
                reservation.grow(len(part))
                if reservation.bytes > settings.max_body_bytes:
                    raise _too_large(settings.max_body_bytes)
                parts.append(part)
    except TimeoutError:
        detail = f"The limit is {settings.body_timeout_seconds:g} s."
        raise ProblemError(408, "too_slow", "The body did not arrive in time", detail=detail, headers=CLOSE) from None
    except HTTPException:  # raised by the kit for bodies above the limit of all services
        raise _too_large(settings.max_body_bytes) from None
    return b"".join(parts)


def _too_large(limit: int) -> ProblemError:
    detail = f"The limit is {limit} bytes. Send the reports in several requests."
    return ProblemError(413, "body_too_large", "The body is too large", detail=detail, headers=CLOSE)
