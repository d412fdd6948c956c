"""Builds a service's web application: problems, request context, health, metrics, its own routes."""

from typing import TYPE_CHECKING, Any

import asyncpg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from libs.kit.client import is_service_unavailable
from libs.kit.errors import TRANSIENT
from libs.kit.http.idempotency import ReplayedError, answer_replayed
from libs.kit.http.limits import LimitedBodies
from libs.kit.http.problems import (
    ProblemError,
    answer_failed,
    answer_http,
    answer_invalid,
    answer_problem,
    answer_unavailable,
    answer_unstorable,
)
from libs.kit.logs import CURRENT, Work

if TYPE_CHECKING:
    from libs.kit.health import Health

#: Copied to the response, so that a client can match it to its request.
ECHOED = ("idempotency-key", "request-id")


class RequestContext:
    """Plain ASGI: Starlette's BaseHTTPMiddleware adds tasks and streams that cost as much as a small request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        request_headers = Headers(scope=scope)
        CURRENT.set(Work(traceparent=request_headers.get("traceparent")))
        started = False

        async def send_with_echo(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                response_headers = MutableHeaders(scope=message)
                for name in ECHOED:
                    if name in request_headers:
                        response_headers[name] = request_headers[name]
            await send(message)

        try:
            return await self._app(scope, receive, send_with_echo)
        except Exception as error:
            if started or not is_service_unavailable(error):
                raise
            unavailable = await answer_unavailable(Request(scope), error)
            return await unavailable(scope, receive, send_with_echo)


def build_app(name: str, router: Any, health: "Health") -> FastAPI:
    """Return the service's web application; `app.state.kit` is set once the kit is open."""
    app = FastAPI(title=f"replenish {name.replace('_', '-')}", docs_url=None, redoc_url=None)
    app.add_exception_handler(ProblemError, answer_problem)
    app.add_exception_handler(ReplayedError, answer_replayed)
    app.add_exception_handler(RequestValidationError, answer_invalid)
    app.add_exception_handler(HTTPException, answer_http)
    app.add_exception_handler(Exception, answer_failed)
    app.add_exception_handler(asyncpg.DataError, answer_unstorable)
    for error in TRANSIENT:
        app.add_exception_handler(error, answer_unavailable)
    app.add_middleware(LimitedBodies)
    app.add_middleware(RequestContext)
    _add_health(app, health)
    if router is not None:
        app.include_router(router)
    return app


def _add_health(app: FastAPI, health: "Health") -> None:
    @app.get("/health/live", include_in_schema=False)
    async def live() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/health/ready", include_in_schema=False)
    async def ready() -> JSONResponse:
        why_not = health.why_not_ready()
        return JSONResponse({"ready": not why_not, "why_not": why_not}, 503 if why_not else 200)

    @app.get("/health/status", include_in_schema=False)
    async def status() -> dict[str, Any]:
        return health.status()

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
