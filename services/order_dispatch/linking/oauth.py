"""Requests to a provider's OAuth token endpoint, and the sealing of what it grants."""

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
from services.order_dispatch.sealing import Keys, UnsealError, open_sealed, read_keys, seal


class _Endpoint(NamedTuple):
    """One address of a provider."""

    provider_id: str
    url: str
    account: Mapping[str, Any]


def check_address(url: str, field: str, kit: Kit) -> None:
    """Raise ProblemError 422 for an address that is not called."""
    networks = kit.settings.allowed_private_networks  # type: ignore[attr-defined]  # order_dispatch's own settings
    try:
        Guard(networks).check_url(url)
    except ForbiddenAddressError as forbidden:
        error = {"field": field, "problem": str(forbidden)}
        raise ProblemError(422, "invalid", "The address cannot be called", errors=[error]) from forbidden


def plain_client(kit: Kit, client: LinkClient, url: str | None = None) -> ProviderClient:
    """Return a line to a provider's API, or to another address of it, that carries no secret."""
    return open_bare_client(_Endpoint(client.provider_id, url or client.api_url, client.options), kit)


#: No access token is believed to live longer than a year.
LONGEST_SECONDS = 31_536_000.0
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
OK, BAD_REQUEST, UNAUTHORIZED = 200, 400, 401


class Granted(NamedTuple):
    """What a token endpoint gave."""

    access: str
    refresh: str | None
    seconds: float | None


#: Errors of a token endpoint (RFC 6749, 5.2) that say nothing about a customer's consent: it is we who are wrong
#: there, or it is in trouble. No link ends for that.
NOT_THE_CUSTOMER = frozenset(
    {
        *("invalid_client", "unauthorized_client", "invalid_request", "unsupported_grant_type", "invalid_scope"),
        *("temporarily_unavailable", "server_error", "slow_down"),
    }
)


class TokenNotGrantedError(Exception):
    """The provider gives no token for this; asking again does not help."""


async def exchange(kit: Kit, client: LinkClient, line: ProviderClient, form: dict[str, str]) -> Granted:
    """Ask a token endpoint.

    Raises TokenNotGrantedError where it says no, and Retry where it says nothing about the customer.
    """
    secret = open_secret(kit, client.client_secret_sealed, f"{client.provider_id}/client_secret")
    body = urlencode(form | {"client_id": client.client_id, "client_secret": secret}).encode()
    try:
        reply = await line.request("POST", "", content=body, headers=FORM)
    except (RejectedError, RetryLaterError):
        raise
    except Exception as error:
        # Whether it was granted does not matter: the same question may be asked again.
        raise RetryLaterError(f"the token endpoint did not answer: {type(error).__name__}") from error
    return _parse_grant(reply)


def sealed_tokens(key: Keys, link_id: str, granted: Granted) -> tuple[bytes, bytes | None]:
    """Return a link's tokens as they are kept."""
    refresh = None if granted.refresh is None else seal(key, granted.refresh, f"{link_id}/refresh")
    return seal(key, granted.access, f"{link_id}/access"), refresh


def _parse_grant(reply: Reply) -> Granted:
    try:
        said = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        said = None
    if isinstance(said, dict) and said.get("error") in NOT_THE_CUSTOMER:
        raise RetryLaterError(f"the token endpoint answered {reply.status} {said['error']}")
    if reply.status in {BAD_REQUEST, UNAUTHORIZED} and isinstance(said, dict):
        raise TokenNotGrantedError(str(said.get("error") or said.get("message") or "refused")[:200])
    access = said.get("access_token") if reply.status == OK and isinstance(said, dict) else None
    if not isinstance(access, str) or not (access.isascii() and access.isprintable()):
        raise RetryLaterError(f"the token endpoint answered {reply.status} and no token")
    refresh = said.get("refresh_token")
    return Granted(access, refresh if isinstance(refresh, str) else None, _seconds(said.get("expires_in")))


def _seconds(said: Any) -> float | None:
    """Return for how long a token lives, as a number or in digits; None where that is not said."""
    if isinstance(said, str) and said.isascii() and said.isdigit():
        said = float(said[:12])
    counted = isinstance(said, int | float) and not isinstance(said, bool)
    return min(max(float(said), 0.0), LONGEST_SECONDS) if counted else None


def open_secret(kit: Kit, blob: bytes, about: str) -> str:
    """Return a sealed secret; raises RetryLaterError where the keys of now do not open it, which is nobody's end."""
    try:
        return open_sealed(keys_of(kit), blob, about)
    except UnsealError as error:
        raise RetryLaterError(f"{about} cannot be opened: {error}") from error


def keys_of(kit: Kit) -> Keys:
    """Return what secrets of others are sealed with."""
    return read_keys(kit.settings.sealing_key)  # type: ignore[attr-defined]  # order_dispatch's own settings
