"""Stands in for the services that the page asks: says what it is told to say, and notes what it was asked."""

from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from tests.integration.portal.doors import free_socket, serving


@dataclass
class Neighbours:
    """What the other services answer, and what they were asked to do."""

    url: str
    levels: dict = field(default_factory=dict)
    receipts: dict = field(default_factory=dict)
    done: list = field(default_factory=list)
    #: By path: what is answered instead of 200.
    refusals: dict = field(default_factory=dict)

    @property
    def urls(self):
        names = ("consumption", "inventory", "reorder_decision", "order_dispatch", "gateway")
        return {f"{name}_url": self.url for name in names}

    def set_level(self, device_id, slot, steps, **more):
        usual = {
            "device_id": device_id,
            "slot": slot,
            "scale": 0,
            "level_steps": steps,
            "rate_per_day": None,
            "run_out_at": None,
            "last_report_at": None,
            "state": "normal",
        }
        self.levels.setdefault(device_id, {})[slot] = usual | more


@asynccontextmanager
async def neighbours():
    app = FastAPI()
    with free_socket() as (listening, url):
        said = Neighbours(url)

        @app.get("/v1/devices/{device_id}/slots")
        async def slots(device_id: str):
            if device_id not in said.levels:
                return JSONResponse({"code": "not_found"}, 404)
            return {"slots": list(said.levels[device_id].values())}

        @app.get("/v1/orders/{order_id}/receipt")
        async def receipt(order_id: str):
            if order_id not in said.receipts:
                return JSONResponse({"code": "not_found"}, 404)
            return {"words": said.receipts[order_id]}

        @app.api_route("/{path:path}", methods=["POST", "PATCH"])
        async def command(path: str, request: Request):
            body = await request.body()
            said.done.append((request.method, f"/{path}", await request.json() if body else None))
            if f"/{path}" in said.refusals:
                status, problem = said.refusals[f"/{path}"]
                return JSONResponse(problem, status)
            return JSONResponse({}, 202)

        async with serving(app, listening):
            yield said
