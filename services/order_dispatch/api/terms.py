"""On what terms a provider is ordered from: what an operator says of it, judged, and how it is shown."""

from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field

from libs.kit.http.problems import ProblemError
from replenish_contracts.catalogue import NO_NUL
from services.order_dispatch.acting import payment_services
from services.order_dispatch.api.shapes import Body, Short
from services.order_dispatch.domain import RESOLUTION_HOURS, Provider
from services.order_dispatch.providers import check_account, needs_url, topics_of

#: A year; nobody waits longer on purpose.
Hours = Annotated[float, Field(ge=0, le=24 * 366, allow_inf_nan=False)]
Url = Annotated[str, Field(min_length=1, max_length=2000, pattern=NO_NUL)]


class ProviderBody(Body):
    """Who can be ordered from, and how."""

    name: Short
    protocol: Short
    #: Days from order to door where the provider gives no date.
    lead_time_days: Annotated[float, Field(gt=0, le=400, allow_inf_nan=False)] | None = None
    active: bool = True
    #: The payment service that takes its customers' money; null where the provider bills them itself.
    payment: Short | None = None
    #: Where it is called, for protocols that call.
    url: Url | None = None
    #: What only its protocol understands; no secrets, they would be shown.
    account: Annotated[dict[str, Any], Field(default_factory=dict)]
    #: How long an order waits before the provider is asked; null for the deployment's usual time.
    cancel_window_hours: Hours | None = None
    #: How long the customer may change a drafted order; it waits at least as long. Null: until it is sent.
    modify_window_hours: Hours | None = None
    #: How long a problem with an order may stay open before the provider gives it up.
    resolution_hours: Annotated[Hours, Field(gt=0)] = RESOLUTION_HOURS
    #: Whether it may send another product than the one ordered.
    allows_substitutes: bool = False
    #: Orders here are rehearsals: no money, no goods.
    test: bool = False


def read_provider(provider_id: str, body: ProviderBody, *, plain_allowed: bool) -> Provider:
    """Return the provider; a Problem names the field that cannot be. `plain_allowed`: also without TLS."""
    try:
        topics_of(body.protocol, provider_id)
    except LookupError as error:
        errors = [{"field": "protocol", "problem": str(error)}]
        raise ProblemError(422, "unknown_protocol", "Nobody speaks this protocol", errors=errors) from error
    if body.payment is not None and body.payment not in payment_services():
        known = ", ".join(sorted(payment_services())) or "none"
        problem = f"there is no payment service {body.payment}; known: {known}"
        raise _refused("unknown_payment", "Nobody takes payments under this name", "payment", problem)
    if body.url is None and needs_url(body.protocol):
        raise _refused("url_required", "This protocol calls the provider", "url", "send the address to call")
    if body.url is not None:
        _check_url(body.url, plain_allowed=plain_allowed)
    try:
        check_account(body.protocol, body.account)
    except ValueError as error:
        title = "Its protocol can do nothing with this account"
        raise _refused("bad_account", title, "account", str(error)) from error
    return Provider(provider_id=provider_id, **dict(body))


def show_terms(provider: Provider) -> dict[str, Any]:
    """Return what everybody who is known may see of a provider."""
    return {
        "provider_id": provider.provider_id,
        "name": provider.name,
        "protocol": provider.protocol,
        "active": provider.active,
        "lead_time_days": provider.lead_time_days,
        "cancel_window_hours": provider.cancel_window_hours,
        "modify_window_hours": provider.modify_window_hours,
        "resolution_hours": provider.resolution_hours,
        "allows_substitutes": provider.allows_substitutes,
        "test": provider.test,
        "topics": [topic.name for topic in topics_of(provider.protocol, provider.provider_id)],
    }


def show_connection(provider: Provider) -> dict[str, Any]:
    """Return what only operators and the provider itself see: how it is reached and paid."""
    return {"payment": provider.payment, "url": provider.url, "account": dict(provider.account)}


def _check_url(url: str, *, plain_allowed: bool) -> None:
    """Refuse what can never be called; where an address leads is judged at every call."""
    try:
        parts = urlsplit(url)
        names_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise _refused("bad_url", "This is no address to call", "url", "it cannot be read") from None
    if parts.scheme != "https" and not (plain_allowed and parts.scheme == "http"):
        raise _refused("bad_url", "This is no address to call", "url", "send an address that begins with https://")
    if not names_host or parts.username is not None or parts.password is not None or parts.fragment or parts.query:
        problem = "send scheme, host and path only: no user, password, query or fragment"
        raise _refused("bad_url", "This is no address to call", "url", problem)


def _refused(code: str, title: str, field: str, problem: str) -> ProblemError:
    return ProblemError(422, code, title, errors=[{"field": field, "problem": problem}])
