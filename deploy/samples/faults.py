"""Middleware with the faults of real servers, each with a probability, reproducible by a seed."""

import argparse
import asyncio
import random
from collections.abc import Awaitable, Callable

from fastapi import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse

#: Effect of each fault, and whether the request is processed first.
FAULTS = {
    "black-hole": "never respond, without processing",
    "timeout": "process, never respond",
    "late": "process only after the client has timed out and retried",
    "error": "respond 500 without processing",
    "error-after": "process, respond 500",
    "busy": "respond 429 with Retry-After, without processing",
    "garbage": "process, respond 200 with invalid JSON",
    "redirect": "respond 302 to a cloud metadata address, without processing",
    "huge": "process, respond with a gigabyte",
}
#: Longer than the time-outs of tests, and than their pause before a retry.
LATE_SECONDS = 2.0
DONE_FIRST = frozenset({"timeout", "error-after", "garbage", "huge"})
#: Longer than any client waits.
NEVER_SECONDS = 60.0
CHUNK = b" " * 65_536
GIGABYTE_CHUNKS = 16_384

Next = Callable[[Request], Awaitable[Response]]


class Faults:
    """Decides for every request whether it meets a fault."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._dice = random.Random(options.seed)  # noqa: S311  # repeatable is what is wanted
        self._chances = [(name, getattr(options, name.replace("-", "_"))) for name in FAULTS]
        self._pause = options.retry_after

    async def __call__(self, request: Request, call_next: Next) -> Response:
        fault = self._draw() if request.url.path != "/health" else None
        if fault is None:
            return await call_next(request)
        if fault == "late":
            await request.body()  # read it before the client disconnects
            await asyncio.sleep(LATE_SECONDS)
            return await call_next(request)
        if fault in DONE_FIRST:
            await call_next(request)
        return await self._answer(fault)

    def _draw(self) -> str | None:
        drawn = self._dice.random()
        for name, chance in self._chances:
            drawn -= chance
            if drawn < 0:
                return name
        return None

    async def _answer(self, fault: str) -> Response:
        if fault in ("black-hole", "timeout"):
            await asyncio.sleep(NEVER_SECONDS)
        if fault == "busy":
            return JSONResponse({"code": "busy"}, 429, headers={"Retry-After": str(self._pause)})
        if fault == "garbage":
            return PlainTextResponse('<html>{"status": "accepted"')
        if fault == "redirect":
            return RedirectResponse("http://169.254.169.254/latest/meta-data/", 302)
        if fault == "huge":
            return StreamingResponse((CHUNK for _ in range(GIGABYTE_CHUNKS)), media_type="application/json")
        return PlainTextResponse("internal error", 500)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add one option per fault, and the seed."""
    for name, meaning in FAULTS.items():
        parser.add_argument(f"--{name}", type=float, default=0, metavar="P", help=f"probability to {meaning}")
    parser.add_argument("--seed", type=int, default=1, help="random seed of the faults")
    parser.add_argument("--retry-after", type=int, default=1, help="seconds to wait when busy")
