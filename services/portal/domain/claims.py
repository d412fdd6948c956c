"""Claims of access tokens (RFC 7519)."""

from typing import Any, NamedTuple

ISSUER = AUDIENCE = "replenish"


class Bearer(NamedTuple):
    """Identity and role of a token's holder."""

    subject: str
    role: str
    customer_id: str | None = None
    service: str | None = None
    provider_id: str | None = None


OPERATOR = Bearer("operator", "operator")


def customer(customer_id: str) -> Bearer:
    return Bearer(f"customer:{customer_id}", "customer", customer_id=customer_id)


def service(name: str) -> Bearer:
    return Bearer(f"service:{name}", "service", service=name)


def provider(provider_id: str) -> Bearer:
    return Bearer(f"provider:{provider_id}", "provider", provider_id=provider_id)


def claims(bearer: Bearer, issued_at: int, seconds: int) -> dict[str, Any]:
    """Return the claims of a token valid for `seconds` from `issued_at` (Unix time)."""
    identity = {
        "sub": bearer.subject,
        "role": bearer.role,
        "customer_id": bearer.customer_id,
        "service": bearer.service,
        "provider_id": bearer.provider_id,
    }
    registered = {"iss": ISSUER, "aud": AUDIENCE, "iat": issued_at, "exp": issued_at + seconds}
    return registered | {name: value for name, value in identity.items() if value is not None}
