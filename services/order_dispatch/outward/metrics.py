"""The metrics of calls to providers, and of their calls to us, with their meanings."""

from prometheus_client import Counter, Gauge, Histogram

CALLS = Counter("order_dispatch_provider_calls", "Calls to a provider by how they ended", ["provider", "ended"])
CALL_SECONDS = Histogram(
    "order_dispatch_provider_call_seconds",
    "Seconds a call to a provider took, whatever came of it",
    buckets=(0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20),
)
BREAKER = Gauge(
    "order_dispatch_provider_breaker",
    "0 while calls go through, 1 while one is tried, 2 while none is made",
    ["provider"],
)
CALLS_LEFT = Gauge("order_dispatch_provider_calls_left", "Calls the rate limit allows at once", ["provider"])
CALLBACKS = Counter("order_dispatch_callbacks", "Callbacks of providers by what became of them", ["verdict"])
TOKENS = Counter("order_dispatch_tokens_redeemed", "Attempts to redeem an order's token by their end", ["ended"])
