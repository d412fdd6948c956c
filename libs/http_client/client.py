"""HTTP client with a circuit breaker and rate limit per provider."""

import time
from typing import NamedTuple

from prometheus_client import Counter, Gauge, Histogram

from libs.http_client.breaker import BreakerState, CallGate, CallLimits
from libs.http_client.exchange import Exchange, NotSentError, ProviderBusyError, Reply, Request
from libs.kit import RetryLaterError


class CallMetrics(NamedTuple):
    """Metrics to update; all but `seconds` have the provider as first label, `calls` the result as second."""

    calls: Counter
    seconds: Histogram
    breaker: Gauge
    #: Calls that the rate limit allows immediately.
    calls_left: Gauge


class HttpClient:
    """One instance per process, because circuit breakers and rate limits are kept in memory."""

    def __init__(self, exchange: Exchange, limits: CallLimits, metrics: CallMetrics) -> None:
        self._exchange, self._limits, self._metrics = exchange, limits, metrics
        self._gates: dict[str, CallGate] = {}

    async def call(self, provider: str, request: Request) -> Reply:
        """Send a request; `provider` identifies the provider in limits, metrics and errors.

        Raises RetryLaterError if the provider did nothing, UnknownOutcomeError if the result is ambiguous.
        """
        gate = self._gates.setdefault(provider, CallGate(self._limits, time.monotonic()))
        if refusal := gate.acquire(time.monotonic()):
            self._update_metrics(provider, gate, "not_made")
            raise RetryLaterError(f"{provider} is not called: {refusal.reason}", after_seconds=refusal.seconds)
        started, result = time.monotonic(), "unknown"
        try:
            reply = await self._exchange.send(request)
            result = "answered"
        except NotSentError as error:
            result = error.result
            if isinstance(error, ProviderBusyError):
                gate.pause(time.monotonic(), error.pause)
            raise RetryLaterError(f"{provider}: {error}", after_seconds=error.seconds) from error
        finally:
            self._metrics.seconds.observe(time.monotonic() - started)
            self._record(provider, gate, result)
        return reply

    def state(self, provider: str) -> BreakerState:
        gate = self._gates.get(provider)
        return gate.state(time.monotonic()) if gate else BreakerState.CLOSED

    def _record(self, provider: str, gate: CallGate, result: str) -> None:
        if result == "answered":
            gate.succeeded()
        elif result != "busy":
            gate.failed(time.monotonic())
        self._update_metrics(provider, gate, result)

    def _update_metrics(self, provider: str, gate: CallGate, result: str) -> None:
        now = time.monotonic()
        self._metrics.calls.labels(provider, result).inc()
        self._metrics.breaker.labels(provider).set(gate.state(now))
        self._metrics.calls_left.labels(provider).set(gate.tokens(now))
