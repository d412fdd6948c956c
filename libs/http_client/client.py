"""Calls through breaker and rate limit; every call ends as a reply, RetryLaterError or UnknownOutcomeError."""

import time
from typing import NamedTuple

from prometheus_client import Counter, Gauge, Histogram

from libs.http_client.breaker import BreakerState, CallGate, CallLimits
from libs.http_client.exchange import Exchange, NotSentError, ProviderBusyError, Reply, Request
from libs.kit import RetryLaterError


class CallMetrics(NamedTuple):
    """The caller's metrics; all but `seconds` have the host's name as first label."""

    #: Calls by result.
    calls: Counter
    seconds: Histogram
    breaker: Gauge
    #: Calls that the rate limit allows immediately.
    calls_left: Gauge


class HttpClient:
    """Makes all calls of one kind from this process; breaker and rate limit are kept per host name."""

    def __init__(self, exchange: Exchange, limits: CallLimits, metrics: CallMetrics) -> None:
        self._exchange, self._limits, self._metrics = exchange, limits, metrics
        self._gates: dict[str, CallGate] = {}

    async def call(self, host: str, request: Request) -> Reply:
        """Send a request; `host` is our name of the other side.

        Raises RetryLaterError if it did nothing, UnknownOutcomeError if the result is ambiguous.
        """
        gate = self._gates.setdefault(host, CallGate(self._limits, time.monotonic()))
        if refusal := gate.acquire(time.monotonic()):
            self._show(host, gate, "not_made")
            raise RetryLaterError(f"{host} is not called: {refusal.reason}", after_seconds=refusal.seconds)
        started, result = time.monotonic(), "unknown"
        try:
            reply = await self._exchange.send(request)
            result = "answered"
        except NotSentError as error:
            result = error.result
            if isinstance(error, ProviderBusyError):
                gate.pause(time.monotonic(), error.pause)
            raise RetryLaterError(f"{host}: {error}", after_seconds=error.seconds) from error
        finally:
            self._metrics.seconds.observe(time.monotonic() - started)
            self._record(host, gate, result)
        return reply

    def state(self, host: str) -> BreakerState:
        gate = self._gates.get(host)
        return gate.state(time.monotonic()) if gate else BreakerState.CLOSED

    def _record(self, host: str, gate: CallGate, result: str) -> None:
        if result == "answered":
            gate.succeeded()
        elif result != "busy":
            gate.failed(time.monotonic())
        self._show(host, gate, result)

    def _show(self, host: str, gate: CallGate, result: str) -> None:
        now = time.monotonic()
        self._metrics.calls.labels(host, result).inc()
        self._metrics.breaker.labels(host).set(gate.state(now))
        self._metrics.calls_left.labels(host).set(gate.tokens(now))
