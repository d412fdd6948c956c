"""Request-context middleware: trace context, echoed request ids, and 503 when another service is unavailable."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from libs.kit.context import CURRENT, Work
from libs.kit.http.client import is_neighbour_away
from libs.kit.http.problems import answer_unavailable

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
            if started or not is_neighbour_away(error):
                raise
            unavailable = await answer_unavailable(Request(scope), error)
            return await unavailable(scope, receive, send_with_echo)
