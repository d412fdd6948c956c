"""Errors of HTTP APIs as application/problem+json (RFC 9457) with a stable code."""

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

LOG = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"


class ProblemError(Exception):
    """A problem+json response; `more` adds extension members."""

    def __init__(  # the members of RFC 9457
        self,
        status: int,
        code: str,
        title: str,
        detail: str | None = None,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(title)
        self.status, self.headers = status, dict(headers or {})
        self.body: dict[str, Any] = {"type": "about:blank", "title": title, "status": status, "code": code}
        if detail:
            self.body["detail"] = detail
        self.body |= more

    def answer(self) -> JSONResponse:
        return JSONResponse(self.body, self.status, headers=self.headers, media_type=MEDIA_TYPE)


async def answer_problem(_: Request, problem: Exception) -> JSONResponse:
    assert isinstance(problem, ProblemError)  # noqa: S101  # registered for nothing else
    return problem.answer()


async def answer_invalid(_: Request, failure: Exception) -> JSONResponse:
    """Respond 422 with one error per invalid field, or 400 if the body is not JSON."""
    assert isinstance(failure, RequestValidationError)  # noqa: S101  # registered for nothing else
    errors = [
        {"field": ".".join(str(part) for part in error["loc"] if part != "body") or "body", "problem": error["msg"]}
        for error in failure.errors()
    ]
    broken = any(error["type"] == "json_invalid" for error in failure.errors())
    status, code = (400, "malformed_json") if broken else (422, "invalid")
    title = "The body is not valid JSON" if broken else "The request is not valid"
    return ProblemError(status, code, title, errors=errors).answer()


async def answer_http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for nothing else
    code = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}.get(error.status_code, "refused")
    return ProblemError(error.status_code, code, str(error.detail), headers=error.headers).answer()


async def answer_unavailable(request: Request, error: Exception) -> JSONResponse:
    """Respond 503 while the database or another service is unavailable; nothing of the request was committed."""
    LOG.warning("request not served", extra={"path": request.url.path, "reason": repr(error)})
    return ProblemError(
        503,
        "unavailable",
        "Try again shortly",
        detail="Part of the system is temporarily unavailable.",
        headers={"Retry-After": "2"},
    ).answer()


async def answer_unstorable(request: Request, error: Exception) -> JSONResponse:
    """Respond 422 to a value that Postgres cannot store: a NUL, or a number or date out of range."""
    LOG.warning("request with a value that cannot be stored", extra={"path": request.url.path, "reason": repr(error)})
    detail = "It contains a NUL character, or a number or date that is out of range."
    return ProblemError(422, "invalid", "The request is not valid", detail=detail).answer()


async def answer_failed(_: Request, __: Exception) -> JSONResponse:
    """Respond 500 without details, which are in the log."""
    return ProblemError(
        500, "internal", "Internal error", detail="The error has been logged. Please try again later."
    ).answer()
