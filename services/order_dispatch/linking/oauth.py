"""Requests to a provider's OAuth token endpoint, and the encryption of the tokens that it grants."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

import orjson

from libs.http_client.guard import ForbiddenAddressError, Guard
from libs.kit import Kit, RejectedError, RetryLaterError
from libs.kit.http.problems import ProblemError
from services.order_dispatch.domain.links import LinkClient
from services.order_dispatch.providers.client import open_bare_client
from services.order_dispatch.providers.protocol import ProviderClient, Reply
from services.order_dispatch.sealing import Keys, UnsealError, open_sealed, seal, sealing_keys
from services.order_dispatch.settings import settings_of

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
OK, BAD_REQUEST, UNAUTHORIZED = 200, 400, 401
#: Longest lifetime that we accept for an access token, in seconds: a year.
MAX_LIFETIME_SECONDS = 31_536_000.0
#: Errors of a token endpoint (RFC 6749, 5.2) that do not concern the customer's consent: our registration is wrong or
#: the provider has an outage. They do not end a link.
NOT_ABOUT_CONSENT = frozenset(
    {
        *("invalid_client", "unauthorized_client", "invalid_request", "unsupported_grant_type", "invalid_scope"),
        *("temporarily_unavailable", "server_error", "slow_down"),
    }
)


class TokenGrant(NamedTuple):
    access: str
    refresh: str | None
    #: Lifetime of the access token; None if the provider does not limit it.
    seconds: float | None


class TokenNotGrantedError(Exception):
    """The provider refused the grant; a retry has the same result."""


class _Endpoint(NamedTuple):
    """The provider attributes that `open_bare_client` needs."""

    provider_id: str
    url: str
    account: Mapping[str, Any]


def check_address(url: str, field: str, kit: Kit) -> None:
    """Raise ProblemError 422 for an address that must not be called."""
    try:
        Guard(settings_of(kit).allowed_private_networks).check_url(url)
    except ForbiddenAddressError as error:
        remedy = "send a public https URL of the provider, as its documentation states it"
        errors = [{"field": field, "problem": str(error), "remedy": remedy}]
        raise ProblemError(422, "invalid", "The address cannot be called", errors=errors) from error


def open_plain_client(kit: Kit, client: LinkClient, url: str | None = None) -> ProviderClient:
    """Open an HTTP client without credentials for a provider's API, or for another URL of the provider."""
    return open_bare_client(_Endpoint(client.provider_id, url or client.api_url, client.options), kit)


async def request_token(kit: Kit, client: LinkClient, form: dict[str, str]) -> TokenGrant:
    """Send a grant to the token endpoint.

    Raises TokenNotGrantedError if the provider refuses the grant, RetryLaterError for all other failures.
    """
    secret = open_secret(kit, client.client_secret_sealed, f"{client.provider_id}/client_secret")
    body = urlencode(form | {"client_id": client.client_id, "client_secret": secret}).encode()
    http = open_plain_client(kit, client, client.token_url)
    try:
        reply = await http.request("POST", "", content=body, headers=FORM)
    except (RejectedError, RetryLaterError):
        raise
    except Exception as error:
        # The grant may have been accepted; a repeated request is harmless.
        raise RetryLaterError(f"the token endpoint did not answer: {type(error).__name__}") from error
    return _parse_grant(reply)


def _parse_grant(reply: Reply) -> TokenGrant:
    try:
        body = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        body = None
    if isinstance(body, dict) and body.get("error") in NOT_ABOUT_CONSENT:
        raise RetryLaterError(f"the token endpoint answered {reply.status} {body['error']}")
    if reply.status in {BAD_REQUEST, UNAUTHORIZED} and isinstance(body, dict):
        raise TokenNotGrantedError(str(body.get("error") or body.get("message") or "refused")[:200])
    access = body.get("access_token") if reply.status == OK and isinstance(body, dict) else None
    if not isinstance(access, str) or not (access.isascii() and access.isprintable()):
        raise RetryLaterError(f"the token endpoint answered {reply.status} without a token")
    refresh = body.get("refresh_token")
    return TokenGrant(access, refresh if isinstance(refresh, str) else None, _parse_lifetime(body.get("expires_in")))


def _parse_lifetime(expires_in: Any) -> float | None:
    """Return a lifetime that was sent as a number or as digits; None for anything else."""
    if isinstance(expires_in, str) and expires_in.isascii() and expires_in.isdigit():
        expires_in = float(expires_in[:12])
    is_number = isinstance(expires_in, int | float) and not isinstance(expires_in, bool)
    return min(max(float(expires_in), 0.0), MAX_LIFETIME_SECONDS) if is_number else None


def seal_tokens(keys: Keys, link_id: str, grant: TokenGrant) -> tuple[bytes, bytes | None]:
    refresh = None if grant.refresh is None else seal(keys, grant.refresh, f"{link_id}/refresh")
    return seal(keys, grant.access, f"{link_id}/access"), refresh


def open_secret(kit: Kit, blob: bytes, name: str) -> str:
    """Decrypt a secret. Raises RetryLaterError if the current keys cannot: a wrong setting must not end a link."""
    try:
        return open_sealed(sealing_keys(kit), blob, name)
    except UnsealError as error:
        raise RetryLaterError(f"{name} cannot be decrypted: {error}") from error
