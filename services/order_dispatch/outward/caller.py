"""Calls to providers through breaker and rate limit; every call ends as a reply, Retry or Unknown."""

import time

from libs.kit import RetryLaterError
from services.order_dispatch.outward.breaker import Limits, Pace, Position
from services.order_dispatch.outward.exchange import Exchange, NotSentError, ProviderBusyError, Reply, Request
from services.order_dispatch.outward.metrics import BREAKER, CALL_SECONDS, CALLS, CALLS_LEFT


class Caller:
    """Makes all provider calls of this process."""

    def __init__(self, exchange: Exchange, limits: Limits) -> None:
        self._exchange, self._limits = exchange, limits
        self._paces: dict[str, Pace] = {}

    async def call(self, provider_id: str, request: Request) -> Reply:
        """Raises RetryLaterError if the provider did nothing, Unknown if the result is ambiguous."""
        pace = self._paces.setdefault(provider_id, Pace(self._limits, time.monotonic()))
        if refusal := pace.ask(time.monotonic()):
            self._show(provider_id, pace, "not_made")
            raise RetryLaterError(f"{provider_id} is not called: {refusal.reason}", after_seconds=refusal.seconds)
        began = time.monotonic()
        ended = "unknown"
        try:
            reply = await self._exchange.send(request)
            ended = "answered"
        except NotSentError as error:
            ended = error.how
            if isinstance(error, ProviderBusyError):
                pace.pause(time.monotonic(), error.pause)
            raise RetryLaterError(f"{provider_id}: {error}", after_seconds=error.seconds) from error
        finally:
            CALL_SECONDS.observe(time.monotonic() - began)
            self._note(provider_id, pace, ended)
        return reply

    def position(self, provider_id: str) -> Position:
        pace = self._paces.get(provider_id)
        return pace.position(time.monotonic()) if pace else Position.CLOSED

    def _note(self, provider_id: str, pace: Pace, ended: str) -> None:
        if ended == "answered":
            pace.succeeded()
        elif ended != "busy":
            pace.failed(time.monotonic())
        self._show(provider_id, pace, ended)

    def _show(self, provider_id: str, pace: Pace, ended: str) -> None:
        now = time.monotonic()
        CALLS.labels(provider_id, ended).inc()
        BREAKER.labels(provider_id).set(pace.position(now))
        CALLS_LEFT.labels(provider_id).set(pace.tokens(now))
