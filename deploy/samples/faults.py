"""The faults of real servers, each with a probability and all from one seed, in front of a sample shop."""

import argparse
import asyncio
import random
from collections.abc import Awaitable, Callable

from fastapi import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse

#: What happens, and whether the shop has done what was asked by then.
FAULTS = {
    "black-hole": "never answer, do nothing",
    "timeout": "do it, never answer",
    "late": "do it only after whoever asked has given up and asked again",
    "error": "500 instead of doing it",
    "error-after": "do it, answer 500",
    "busy": "429 with Retry-After, do nothing",
    "garbage": "do it, answer 200 with what is no JSON",
    "redirect": "302 to a cloud's metadata, do nothing",
    "huge": "do it, answer with an endless gigabyte",
}
#: Longer than the time-outs of tests, and than the pause before their next question.
LATE_SECONDS = 2.0
DONE_FIRST = frozenset({"timeout", "error-after", "garbage", "huge"})
#: Nobody waits longer than this for an answer that never comes.
NEVER_SECONDS = 60.0
CHUNK = b" " * 65_536
GIGABYTE_CHUNKS = 16_384

Next = Callable[[Request], Awaitable[Response]]


class Faults:
    """Decides for every request whether something goes wrong with it."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._dice = random.Random(options.seed)  # noqa: S311  # repeatable is what is wanted
        self._chances = [(name, getattr(options, name.replace("-", "_"))) for name in FAULTS]
        self._pause = options.retry_after

    async def __call__(self, request: Request, call_next: Next) -> Response:
        fault = self._draw() if request.url.path != "/health" else None
        if fault is None:
            return await call_next(request)
        if fault == "late":
            await request.body()  # whoever gave up has sent it all before
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
        return PlainTextResponse("it broke", 500)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add one option per fault, and the seed."""
    for name, meaning in FAULTS.items():
        parser.add_argument(f"--{name}", type=float, default=0, metavar="P", help=f"with this probability {meaning}")
    parser.add_argument("--seed", type=int, default=1, help="of the faults")
    parser.add_argument("--retry-after", type=int, default=1, help="seconds to wait when busy")
