"""Routes of HTML forms, which limit the size of the submitted form."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from libs.kit.http.limits import limit_body

LARGEST_FORM_BYTES = 16_384


class FormRoute(APIRoute):
    """Responds 413 to a form above LARGEST_FORM_BYTES; FastAPI reads forms before dependencies run."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_limited(request: Request) -> Response:
            return await handle(Request(request.scope, limit_body(request.receive, LARGEST_FORM_BYTES)))

        return handle_limited
