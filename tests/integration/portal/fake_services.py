"""Fake of the services that the page calls: returns configured responses and records commands."""

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from tests.support.routes import free_socket, serving


@dataclass
class FakeServices:
    """Configured responses and recorded commands of the other services."""

    url: str
    levels: dict[str, Any] = field(default_factory=dict)
    #: By order: the sentences of its only receipt, or the response.
    receipts: dict[str, list[str] | dict[str, Any]] = field(default_factory=dict)
    #: By order: the response about what the customer has to order at the shop.
    carts: dict[str, Any] = field(default_factory=dict)
    done: list[tuple[str, str, Any]] = field(default_factory=list)
    #: By path: status and body to return instead of success.
    refusals: dict[str, tuple[int, Any]] = field(default_factory=dict)

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
async def fake_services():
    app = FastAPI()
    with free_socket() as (listening, url):
        fake = FakeServices(url)

        _add_reads(app, fake)
        _add_commands(app, fake)
        async with serving(app, listening):
            yield fake


def _add_reads(app: FastAPI, fake: FakeServices) -> None:
    async def slots(device_id: str) -> Any:
        if device_id not in fake.levels:
            return JSONResponse({"code": "not_found"}, 404)
        return {"slots": list(fake.levels[device_id].values())}

    async def receipt(order_id: str) -> Any:
        if order_id not in fake.receipts:
            return JSONResponse({"code": "not_found"}, 404)
        found = fake.receipts[order_id]
        return found if isinstance(found, dict) else {"words": found}

    async def cart(order_id: str) -> Any:
        return fake.carts.get(order_id) or JSONResponse({"code": "no_such_order"}, 404)

    app.add_api_route("/v1/orders/{order_id}/cart", cart)
    app.add_api_route("/v1/devices/{device_id}/slots", slots)
    app.add_api_route("/v1/orders/{order_id}/receipt", receipt)


def _add_commands(app: FastAPI, fake: FakeServices) -> None:
    async def command(path: str, request: Request) -> JSONResponse:
        body = await request.body()
        fake.done.append((request.method, f"/{path}", await request.json() if body else None))
        if f"/{path}" in fake.refusals:
            status, problem = fake.refusals[f"/{path}"]
            return JSONResponse(problem, status)
        return JSONResponse({}, 202)

    app.add_api_route("/{path:path}", command, methods=["GET", "POST", "PATCH", "PUT", "DELETE"])
