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


class Problem(Exception):  # noqa: N818  # the RFC's word
    """An answer that says what is wrong, where, and what would be right; `more` adds members."""

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
    assert isinstance(problem, Problem)  # noqa: S101  # registered for nothing else
    return problem.answer()


async def answer_invalid(_: Request, invalid: Exception) -> JSONResponse:
    """Say field by field what a request body should have been."""
    assert isinstance(invalid, RequestValidationError)  # noqa: S101  # registered for nothing else
    errors = [
        {"field": ".".join(str(part) for part in error["loc"] if part != "body") or "body", "problem": error["msg"]}
        for error in invalid.errors()
    ]
    broken = any(error["type"] == "json_invalid" for error in invalid.errors())
    status, code = (400, "malformed_json") if broken else (422, "invalid")
    title = "The body is not JSON" if broken else "The request is not as it should be"
    return Problem(status, code, title, errors=errors).answer()


async def answer_http(_: Request, refused: Exception) -> JSONResponse:
    assert isinstance(refused, HTTPException)  # noqa: S101  # registered for nothing else
    code = {404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}.get(refused.status_code, "refused")
    return Problem(refused.status_code, code, str(refused.detail), headers=refused.headers).answer()


async def answer_unavailable(request: Request, away: Exception) -> JSONResponse:
    """Say that the database or a neighbour is away; nothing was done that the caller was not told of."""
    LOG.warning("request not served", extra={"path": request.url.path, "reason": repr(away)})
    return Problem(
        503, "unavailable", "Try again shortly", detail="A part of the system is away.", headers={"Retry-After": "2"}
    ).answer()


async def answer_unstorable(request: Request, refused: Exception) -> JSONResponse:
    """Say that the request has something in it that Postgres has no form for: a NUL, a number or a date too large."""
    LOG.warning("request with an impossible value", extra={"path": request.url.path, "reason": repr(refused)})
    detail = "It contains a character, a number or a date that cannot be kept; send one in the usual bounds."
    return Problem(422, "invalid", "The request is not as it should be", detail=detail).answer()


async def answer_failed(_: Request, __: Exception) -> JSONResponse:
    """Say that it is our fault, and nothing about us; the log has the rest."""
    return Problem(500, "internal", "Something went wrong here", detail="It was noted.").answer()
