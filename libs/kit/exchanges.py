"""What every HTTP exchange has: the trace it belongs to, its sender's marks, and an answer when a neighbour is away."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from libs.kit.context import CURRENT, Work
from libs.kit.neighbours import is_neighbour_away
from libs.kit.problems import answer_unavailable

#: Sent back as they came, so that a caller can tell which of its requests was answered.
ECHOED = ("idempotency-key", "request-id")


class Exchanges:
    """Surrounds each request; plain ASGI, because a layer of tasks and streams would cost what the request does."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        asked = Headers(scope=scope)
        CURRENT.set(Work(traceparent=asked.get("traceparent")))
        started = False

        async def send_marked(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                answered = MutableHeaders(scope=message)
                for name in ECHOED:
                    if name in asked:
                        answered[name] = asked[name]
            await send(message)

        try:
            return await self._app(scope, receive, send_marked)
        except Exception as failed:
            if started or not is_neighbour_away(failed):
                raise
            unavailable = await answer_unavailable(Request(scope), failed)
            return await unavailable(scope, receive, send_marked)
