"""Prometheus metrics of provider calls, callbacks and token redemptions."""

from prometheus_client import Counter, Gauge, Histogram

from libs.http_client import CallMetrics

CALLS = Counter("order_dispatch_provider_calls", "Provider calls by result", ["provider", "outcome"])
CALL_SECONDS = Histogram(
    "order_dispatch_provider_call_seconds",
    "Duration of provider calls in seconds, regardless of result",
    buckets=(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20),
)
BREAKER = Gauge(
    "order_dispatch_provider_breaker",
    "State of the circuit breaker: 0 closed, 1 half-open, 2 open",
    ["provider"],
)
CALLS_LEFT = Gauge("order_dispatch_provider_calls_left", "Calls that the rate limit allows immediately", ["provider"])
CALLBACKS = Counter("order_dispatch_callbacks", "Provider callbacks by result", ["outcome"])
UNKNOWN_WORDS = Counter(
    "order_dispatch_unknown_words", "Updates with a word that their protocol does not have", ["protocol"]
)
DROPPED_DETAILS = Counter(
    "order_dispatch_dropped_details", "Details of updates that are not used, because they are invalid", ["protocol"]
)
TOKENS = Counter("order_dispatch_tokens_redeemed", "Attempts to redeem an order token by result", ["outcome"])

CALL_METRICS = CallMetrics(CALLS, CALL_SECONDS, BREAKER, CALLS_LEFT)
