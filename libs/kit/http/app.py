"""Builds a service's web application: authentication, idempotency, problems, health, metrics, its own routes."""

from typing import Annotated, Any

import asyncpg
from fastapi import Depends, FastAPI, Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException

from libs.kit.errors import TRANSIENT
from libs.kit.health import Health
from libs.kit.http.bodies import LimitedBodies
from libs.kit.http.idempotency import IdempotentRequest, StoredResponse, digest_of, key_from
from libs.kit.http.identity import Principal, unauthorized
from libs.kit.http.problems import (
    ProblemError,
    answer_failed,
    answer_http,
    answer_invalid,
    answer_problem,
    answer_unavailable,
    answer_unstorable,
)
from libs.kit.http.request_context import RequestContext
from libs.kit.kit import Kit


def kit_of(request: Request) -> Kit:
    kit: Kit | None = getattr(request.app.state, "kit", None)
    if kit is None:
        raise ProblemError(503, "starting", "The service is still starting", headers={"Retry-After": "1"})
    return kit


KitDep = Annotated[Kit, Depends(kit_of)]


async def principal_of(request: Request, kit: KitDep) -> Principal:
    """Return the authenticated sender; raises ProblemError 401."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise unauthorized("Send the header `Authorization: Bearer <token>`.")
    return await kit.verifier.verify(token.strip())


PrincipalDep = Annotated[Principal, Depends(principal_of)]


def require(principal: Principal, *roles: str) -> None:
    """Raise ProblemError 403 unless the principal has one of the roles."""
    if principal.role not in roles:
        raise ProblemError(
            403,
            "forbidden",
            "This token does not permit the request",
            detail=f"The role {' or '.join(roles)} is required.",
        )


def require_customer(principal: Principal, customer_id: str) -> None:
    """Raise ProblemError 404 unless the principal is this customer, an operator or a service.

    Not 403, which would reveal which customer ids exist.
    """
    if principal.role in ("operator", "service") or principal.customer_id == customer_id:
        return
    raise ProblemError(404, "not_found", "No such customer")


async def idempotency_of(
    request: Request, principal: PrincipalDep, idempotency_key: Annotated[str | None, Header()] = None
) -> IdempotentRequest | None:
    return None if idempotency_key is None else await idempotent_request(principal.subject, request)


async def idempotent_request(subject: str, request: Request) -> IdempotentRequest:
    """Return the idempotency record of a request; raises ProblemError 400 without a valid Idempotency-Key."""
    key = key_from(request.headers.get("idempotency-key"))
    return IdempotentRequest(subject, request.url.path, key, digest_of(await request.body()))


async def required_idempotency_of(
    request: Request, principal: PrincipalDep, idempotency_key: Annotated[str | None, Header()] = None
) -> IdempotentRequest:
    key_from(idempotency_key)
    return await idempotent_request(principal.subject, request)


#: For a POST with an optional Idempotency-Key.
IdempotencyDep = Annotated[IdempotentRequest | None, Depends(idempotency_of)]
#: For a POST that moves goods, money or orders: without a key it is refused (400).
RequiredIdempotencyDep = Annotated[IdempotentRequest, Depends(required_idempotency_of)]


def send(kept: StoredResponse, *, replayed: bool = False) -> JSONResponse:
    """Return the response stored under an Idempotency-Key."""
    return JSONResponse(kept.body, kept.status, headers={"Idempotent-Replayed": "true"} if replayed else None)


def build_app(name: str, router: Any, health: Health) -> FastAPI:
    """Return the service's web application; `app.state.kit` is set once the kit is open."""
    app = FastAPI(title=f"replenish {name.replace('_', '-')}", docs_url=None, redoc_url=None)
    app.add_exception_handler(ProblemError, answer_problem)
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


def _add_health(app: FastAPI, health: Health) -> None:
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
