"""Errors of HTTP APIs as application/problem+json (RFC 9457) with a stable code.

The member `errors` lists what is wrong: code, field (a path of the body, `path.x`, `query.x`, `header.x`, or null),
problem, and the remedy.
"""

import difflib
import logging
import re
from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from libs.kit.http.validation import explain_invalid, has_wrong_content_type

LOG = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"

#: Remedies of problems that name none.
_REMEDIES = {
    401: "send the header `Authorization: Bearer <token>` with a valid token of POST /v1/tokens",
    403: "use a token whose role and owner permit the request",
    404: "check the id in the path; lists of this API contain the ids that exist",
    409: "read the present state with GET, then decide again",
    413: "send a smaller body, for example in several requests",
    429: "wait, then send the same request again",
    500: "try again later; if it happens again, give the operator the time and the request-id",
    502: "send the same request again in a few minutes",
    503: "send the same request again in a few seconds; nothing of it was saved",
}
_OTHER_REMEDY = "compare the request with the API's description (GET /openapi.json)"


class ProblemError(Exception):
    """A problem+json response; `more` adds extension members.

    `field`, `problem` and `remedy` describe the only entry of `errors`; `errors` in `more` replaces it. Without a
    remedy, the detail or one by status is used. In problem and remedy,
    `{name}` stands for the path parameter `name`.
    """

    def __init__(  # noqa: PLR0913  # the members of RFC 9457 and of one error
        self,
        status: int,
        code: str,
        title: str,
        detail: str | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        field: str | None = None,
        problem: str | None = None,
        remedy: str | None = None,
        **more: Any,
    ) -> None:
        super().__init__(title)
        self.status, self.headers = status, dict(headers or {})
        self.body: dict[str, Any] = {"type": "about:blank", "title": title, "status": status, "code": code}
        if detail:
            self.body["detail"] = detail
        self.body |= more
        remedy = remedy or detail or remedy_of(status, self.headers)
        only = {"code": code, "field": field, "problem": problem or _lower(title), "remedy": remedy}
        if "errors" in more:
            self.body["errors"] = [only | {"field": None} | dict(error) for error in more["errors"]] or [only]
        elif "refused" not in more:  # entries of the gateway, which are of the same form
            self.body["errors"] = [only]

    @classmethod
    def of_field(  # the parts of one error
        cls, code: str, title: str, field: str, problem: str, remedy: str, **more: Any
    ) -> "ProblemError":
        """Return a 422 about one field of the request."""
        return cls(422, code, title, field=field, problem=problem, remedy=remedy, **more)

    @classmethod
    def of_missing(cls, code: str, title: str, kind: str, parameter: str, remedy: str) -> "ProblemError":
        """Return a 404 about an id in the path: `there is no provider acme`."""
        problem = f"there is no {kind} {{{parameter}}}"
        return cls(404, code, title, field=f"path.{parameter}", problem=problem, remedy=remedy)

    def answer(self) -> JSONResponse:
        return JSONResponse(self.body, self.status, headers=self.headers, media_type=MEDIA_TYPE)


def _lower(title: str) -> str:
    """Return a title as a problem, in lower case unless it begins with a name such as `Idempotency-Key`."""
    first, _, rest = title.partition(" ")
    return f"{first[:1].lower()}{first[1:]} {rest}".strip() if first[1:].islower() or len(first) == 1 else title


def remedy_of(status: int, headers: Mapping[str, str]) -> str:
    """Return the remedy of a problem that names none; with the time of Retry-After, if there is one."""
    seconds = next((value for name, value in headers.items() if name.lower() == "retry-after"), None)
    if seconds is not None:
        return f"send the same request again in {seconds} s"
    return _REMEDIES.get(status, _OTHER_REMEDY)


async def answer_problem(request: Request, problem: Exception) -> JSONResponse:
    assert isinstance(problem, ProblemError)  # noqa: S101  # registered for nothing else
    for error in problem.body.get("errors", ()):
        for name, value in request.path_params.items():
            for part in ("problem", "remedy"):
                error[part] = error[part].replace(f"{{{name}}}", str(value)[:200])
    return problem.answer()


async def answer_invalid(request: Request, failure: Exception) -> JSONResponse:
    """Respond 422 with one error per field, 400 if the body is not JSON, or 415 if it is declared as another type."""
    assert isinstance(failure, RequestValidationError)  # noqa: S101  # registered for nothing else
    if has_wrong_content_type(failure):
        return _content_type_problem(request.headers.get("content-type")).answer()
    errors = explain_invalid(request, failure)
    is_broken = any(error.code == "malformed_json" for error in errors)
    status, code = (400, "malformed_json") if is_broken else (422, "invalid")
    title = "The body is not valid JSON" if is_broken else "The request is not valid"
    return ProblemError(status, code, title, errors=[error.as_json() for error in errors]).answer()


def _content_type_problem(sent: str | None) -> ProblemError:
    error = {
        "field": "header.content-type",
        "problem": f"the Content-Type is {sent[:100]}" if sent else "the request has a body and no Content-Type",
        "remedy": "send JSON with the header `Content-Type: application/json`",
    }
    if sent:
        return ProblemError(415, "unsupported_media_type", "This Content-Type is not supported", errors=[error])
    return ProblemError(422, "invalid", "The request is not valid", errors=[error])


_HTTP_CODES = {
    400: "malformed_body",
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "unsupported_media_type",
}


async def answer_http(request: Request, error: Exception) -> JSONResponse:
    """Respond to an error of the framework: no such path or method, a body that is too large or cannot be decoded."""
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for nothing else
    status, headers = error.status_code, error.headers or {}
    code, field, problem, remedy = _HTTP_CODES.get(status, "refused"), None, None, None
    if status == 404:  # noqa: PLR2004  # Not Found
        field, problem = "path", f"there is nothing at {request.url.path[:200]}"
        meant = difflib.get_close_matches(request.url.path, _paths(request), n=1)
        remedy = f"did you mean {meant[0]}?" if meant else "GET /openapi.json lists the paths of this service"
    elif status == 405:  # noqa: PLR2004  # Method Not Allowed
        allowed = _methods(request) or next((value for name, value in headers.items() if name.lower() == "allow"), "")
        headers = {**headers, "Allow": allowed}
        field, problem = "method", f"{request.method} is not possible at {request.url.path[:200]}"
        remedy = f"send {allowed.replace(', ', ' or ')}" if allowed else None
    elif status == 400:  # noqa: PLR2004  # Bad Request: the body cannot be decoded
        code = "malformed_json"
        field, problem, remedy = "body", "the body cannot be decoded", "send JSON in UTF-8 without a byte order mark"
    elif status == 413:  # noqa: PLR2004  # Content Too Large
        field, remedy = "body", str(error.detail).partition(": ")[2] or None
    return ProblemError(
        status, code, str(error.detail), headers=headers, field=field, problem=problem, remedy=remedy
    ).answer()


def _methods(request: Request) -> str:
    """Return the methods of all routes at the request's path; the framework names those of the first one only."""
    found = {
        method.upper()
        for path, operations in request.app.openapi().get("paths", {}).items()
        if re.fullmatch(re.sub(r"\\\{[^}]*\\\}", "[^/]+", re.escape(path)), request.url.path)
        for method in operations
    }
    return ", ".join(sorted(found))


def _paths(request: Request) -> Iterable[str]:
    """Return the paths of the service, with the ids of the request in place of parameters where they fit."""
    parts = request.url.path.split("/")
    for path in request.app.openapi().get("paths", {}):
        shape = path.split("/")
        if len(shape) == len(parts):
            yield "/".join(here if there.startswith("{") else there for here, there in zip(parts, shape, strict=True))


async def answer_unavailable(request: Request, error: Exception) -> JSONResponse:
    """Respond 503 while the database or another service is unavailable; nothing of the request was committed."""
    LOG.warning("request not served", extra={"path": request.url.path, "reason": repr(error)})
    return ProblemError(
        503,
        "unavailable",
        "Try again shortly",
        detail="Part of the system is temporarily unavailable.",
        headers={"Retry-After": "2"},
        problem="part of the system is temporarily unavailable; nothing of the request was saved",
        remedy="send the same request again in 2 s",
    ).answer()


async def answer_unstorable(request: Request, error: Exception) -> JSONResponse:
    """Respond 422 to a value that Postgres cannot store: a NUL, or a number or date out of range."""
    LOG.warning("request with a value that cannot be stored", extra={"path": request.url.path, "reason": repr(error)})
    detail = "It contains a NUL character, or a number or date that is out of range."
    return ProblemError(
        422,
        "invalid",
        "The request is not valid",
        detail=detail,
        problem="a value contains the character U+0000, or a number or date is out of range",
        remedy="remove the character U+0000, and send integers up to 2^63 and dates of the years 1 to 9999",
    ).answer()


async def answer_failed(_: Request, __: Exception) -> JSONResponse:
    """Respond 500 without details, which are in the log."""
    return ProblemError(
        500,
        "internal",
        "Internal error",
        detail="The error has been logged. Please try again later.",
        problem="the service failed; the error is in its log",
        remedy=_REMEDIES[500],
    ).answer()
