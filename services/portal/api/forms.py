"""Routes of HTML forms, which limit the size of the submitted form."""

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from libs.kit.http.limits import limit_body
from libs.kit.http.problems import ProblemError

LARGEST_FORM_BYTES = 16_384


class FormRoute(APIRoute):
    """Responds 413 to a form above LARGEST_FORM_BYTES; FastAPI reads forms before dependencies run."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_limited(request: Request) -> Response:
            try:
                return await handle(Request(request.scope, limit_body(request.receive, LARGEST_FORM_BYTES)))
            except HTTPException as error:
                if error.status_code != HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
                    raise
                raise ProblemError(
                    413,
                    "body_too_large",
                    "The form is too large",
                    headers=error.headers,
                    field="body",
                    problem=f"the form has more than {LARGEST_FORM_BYTES} bytes",
                    remedy=f"send a form of at most {LARGEST_FORM_BYTES} bytes",
                ) from None

        return handle_limited
