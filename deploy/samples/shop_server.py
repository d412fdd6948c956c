"""Common parts of sample shops with an HTTP server: idempotency keys, callbacks, token redemption."""

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import uvicorn
from fastapi import FastAPI, Request
from starlette.responses import JSONResponse

from deploy.samples.faults import Faults, add_options
from deploy.samples.shop_log import ShopLog, refuse

Work = Callable[[Any, str], Awaitable[JSONResponse]]


class Callback(NamedTuple):
    """A message to order-dispatch."""

    message_id: str
    body: dict[str, Any]
    #: Called once the message is accepted.
    then: Callable[[], None] | None = None


class ShopServer:
    """One shop: authentication, idempotency and callbacks; subclasses implement a protocol."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options, self.log = options, ShopLog(options.log, options.provider)
        self.callbacks: asyncio.Queue[Callback] = asyncio.Queue()
        self.in_flight: set[str] = set()

    def authenticate(self, request: Request, body: bytes) -> JSONResponse | None:
        """Return an error response if the request is not authenticated."""
        raise NotImplementedError

    def sign(self, message_id: str, content: str) -> dict[str, str]:
        """Return the headers that authenticate our message."""
        raise NotImplementedError

    async def once(self, request: Request, work: Work) -> JSONResponse:
        """Process a request once per Idempotency-Key; a repeated request gets the first response."""
        body = await request.body()
        if (refusal := self.authenticate(request, body)) is not None:
            return refusal
        if not request.headers.get("idempotency-key"):
            return refuse(400, "idempotency_key_required", "an Idempotency-Key is required")
        key = f"{request.url.path} {request.headers['idempotency-key']}"
        if (before := self.log.find_response(key, body)) is not None:
            return before
        if key in self.in_flight:
            answer = refuse(409, "idempotency_in_flight", "the same request is still being processed")
            answer.headers["Retry-After"] = "1"
            return answer
        self.in_flight.add(key)
        try:
            return await work(json.loads(body or b"{}"), key)
        finally:
            self.in_flight.discard(key)

    def log_response(
        self, op: str, order_id: str, standing: Any, key: str, status: int = 200, **more: Any
    ) -> JSONResponse:
        """Log the event and its response in one line, then return the response."""
        self.log.write(op, order_id, order=standing, key=key, answer=(status, standing), **more)
        return JSONResponse(standing, status)

    async def redeem(self, order_id: str, token: str, amount: int | None, currency: str | None) -> str | None:
        """Redeem an order's token; return the reason of a failure."""
        wanted = {"provider_id": self.options.provider, "token": token, "amount": amount, "currency": currency}
        answer = await self.post("/v1/tokens/redeem", f"cash-{order_id}", wanted)
        return None if answer.status_code == httpx.codes.OK else f"the token was refused: {answer.json()['code']}"

    async def send_callbacks(self) -> None:
        """Send callbacks, retrying each until it is accepted; its id stays the same."""
        path = f"/v1/providers/{self.options.provider}/callbacks"
        while True:
            message_id, body, then = await self.callbacks.get()
            pause = 0.1
            while not await self.is_accepted(path, message_id, body):
                await asyncio.sleep(pause)
                pause = min(2 * pause, 5.0)
            if then is not None:
                then()

    async def is_accepted(self, path: str, message_id: str, body: dict[str, Any]) -> bool:
        try:
            answer = await self.post(path, message_id, body)
        except httpx.HTTPError:
            return False
        return answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR

    async def post(self, path: str, message_id: str, body: dict[str, Any]) -> httpx.Response:
        content = json.dumps(body)
        headers = {"content-type": "application/json", "idempotency-key": message_id}
        headers |= self.sign(message_id, content)
        async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
            return await client.post(self.options.callbacks + path, content=content, headers=headers)


def open_shop(shop: type[ShopServer], routes: Callable[[Any, FastAPI], None], description: str | None) -> None:
    """Run a shop as a process with command line options."""
    options = arguments(description).parse_args()
    if (options.ships or options.cashes) and not options.callbacks:
        sys.exit("--ships and --cashes need --callbacks")
    asyncio.run(_serve(shop(options), routes, options))


async def _serve(shop: ShopServer, routes: Callable[[Any, FastAPI], None], options: argparse.Namespace) -> None:
    app = FastAPI()
    routes(shop, app)
    app.get("/health")(lambda: {"status": "open"})
    app.middleware("http")(Faults(options))
    callbacks = asyncio.create_task(shop.send_callbacks())
    try:
        await uvicorn.Server(uvicorn.Config(app, port=options.port, log_config=None, lifespan="off")).serve()
    finally:
        callbacks.cancel()


def arguments(description: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--provider", required=True, help="the shop's provider_id")
    parser.add_argument("--log", required=True, type=Path, help="log file (JSON lines)")
    parser.add_argument("--secret", required=True, help="shared secret for requests and callbacks")
    parser.add_argument("--callbacks", default="", help="base URL for callbacks and token redemption")
    parser.add_argument("--lead-days", type=float, default=2, help="days from order to delivery")
    parser.add_argument("--shipping", type=int, default=0, help="shipping cost in minor units (ACP only)")
    parser.add_argument("--ships", action="store_true", help="ship immediately and report it by a callback")
    parser.add_argument("--cashes", action="store_true", help="redeem each order's token before accepting it")
    parser.add_argument("--sold-out", action="append", default=[], metavar="PRODUCT", help="refuse this product")
    parser.add_argument(
        "--part-shipments", action="store_true", help="ship the first of several lines later, in its own parcel"
    )
    add_options(parser)
    return parser
