"""A provider's server with its own list of accepted orders and switchable faults."""

import asyncio
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from tests.support.serving import served


class Shop:
    """The server; `mood` selects the response to the next orders."""

    def __init__(self):
        self.url = ""
        self.mood = "accepts"
        self.book, self.requested, self.cities = {}, [], []
        #: Releases the orders that the mood `slow` holds back.
        self.go = asyncio.Event()

    def app(self):
        app = FastAPI()

        @app.post("/orders")
        async def take(request: Request):
            body = await request.json()
            self.requested.append(("deliver", body["order_id"], request.headers.get("idempotency-key")))
            return await self._take(body)

        @app.post("/orders/{order_id}/cancel")
        async def cancel(order_id: str):
            self.requested.append(("cancel", order_id, None))
            self.book[order_id] = "cancelled"
            return self._about(order_id)

        @app.get("/orders/{order_id}")
        async def about(order_id: str):
            self.requested.append(("status", order_id, None))
            return self._about(order_id) if order_id in self.book else JSONResponse({}, 404)

        return app

    async def _take(self, body):
        order_id, mood = body["order_id"], self.mood
        if mood == "busy":
            return JSONResponse({}, 429)
        if mood == "slow":
            await self.go.wait()
        if mood == "lost":
            return JSONResponse({}, 503)
        self.cities.append(body["city"])
        self.book[order_id] = {"refuses": "refused", "silent": ""}.get(mood, "accepted")
        if mood == "breaks":
            return JSONResponse({}, 500)
        if mood == "garbage":
            return Response(b"<html>sold!</html>")
        return self._about(order_id)

    def _about(self, order_id):
        return {"status": self.book[order_id] or None, "id": f"S-{order_id}", "reason": self.mood}

    def requests_for(self, order_id):
        return [what for what, about, _ in self.requested if about == order_id]


@asynccontextmanager
async def shop():
    """Serve a shop on a free port."""
    opened = Shop()
    async with served(opened.app()) as opened.url:
        try:
            yield opened
        finally:
            opened.go.set()
