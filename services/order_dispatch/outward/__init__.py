"""HTTP client for provider URLs: SSRF guard, limits on time and size, rate limit and circuit breaker."""

from services.order_dispatch.outward.addresses import ForbiddenAddressError, Guard
from services.order_dispatch.outward.exchange import Reply, UnknownOutcomeError
from services.order_dispatch.outward.line import Correspondent, Line, Notes, bare_line, open_line, secrets_of
from services.order_dispatch.outward.sealed import seal_secrets
from services.order_dispatch.outward.signing import InvalidSignatureError, Scheme, Signed, scheme_of, sign, verify
from services.order_dispatch.outward.tokens import Allowance, hash_of, make_token, ship_to_digest

__all__ = [
    "Allowance",
    "Correspondent",
    "ForbiddenAddressError",
    "Guard",
    "InvalidSignatureError",
    "Line",
    "Notes",
    "Reply",
    "Scheme",
    "Signed",
    "UnknownOutcomeError",
    "bare_line",
    "hash_of",
    "make_token",
    "open_line",
    "scheme_of",
    "seal_secrets",
    "secrets_of",
    "ship_to_digest",
    "sign",
    "verify",
]
