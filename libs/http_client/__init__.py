"""HTTP client for URLs of third parties: SSRF guard, time and size limits, rate limit, circuit breaker, signatures."""

from libs.http_client.breaker import BreakerState, CallLimits
from libs.http_client.client import CallMetrics, HttpClient
from libs.http_client.exchange import Bounds, Exchange, Reply, Request, UnknownOutcomeError
from libs.http_client.guard import ForbiddenAddressError, Guard
from libs.http_client.signatures import (
    InvalidSignatureError,
    MissingSignatureError,
    Scheme,
    Signed,
    UnusableSecretError,
    check_characters,
    check_secret,
    scheme_of,
    sign,
    verify,
)

__all__ = [
    "Bounds",
    "BreakerState",
    "CallLimits",
    "CallMetrics",
    "Exchange",
    "ForbiddenAddressError",
    "Guard",
    "HttpClient",
    "InvalidSignatureError",
    "MissingSignatureError",
    "Reply",
    "Request",
    "Scheme",
    "Signed",
    "UnknownOutcomeError",
    "UnusableSecretError",
    "check_characters",
    "check_secret",
    "scheme_of",
    "sign",
    "verify",
]
