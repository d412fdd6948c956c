"""A link's access token, renewed before it ends or when it is not taken, by one at a time."""

import asyncio
import time
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID, uuid4

import orjson

from libs.kit import Kit, RejectedError, RetryLaterError
from services.order_dispatch.domain.links import LinkClient, LinkState
from services.order_dispatch.linking.addresses import line_to
from services.order_dispatch.linking.endings import end_link
from services.order_dispatch.providers import Line, Reply
from services.order_dispatch.sealing import Keys, UnsealError, open_sealed, read_keys, seal

#: Renewed so long before its end that a call which begins now is still taken.
MARGIN_SECONDS = 120.0
#: Longer than a call may take: whoever renews is not overtaken.
LEASE_SECONDS = 20.0
#: No access token is believed to live longer than a year.
LONGEST_SECONDS = 31_536_000.0
#: How long others wait for the one who renews.
WAIT_SECONDS, LOOK_SECONDS = 15.0, 0.05
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
OK, BAD_REQUEST, UNAUTHORIZED = 200, 400, 401


class Token(NamedTuple):
    """An access token, and how it is kept: so one says which token was not taken."""

    text: str
    sealed: bytes


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


async def fresh_token(kit: Kit, link_id: str, refused: bytes | None = None) -> Token:
    """Return a token that should be taken; `refused` is one that was not.

    Raises RejectedError where the link has ended, or ends now because the provider renews nothing, and Retry where the
    provider cannot be asked.
    """
    end = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < end:
        async with kit.read() as store:
            kept = await store.find_tokens(link_id, MARGIN_SECONDS)
        if kept is None:
            raise RejectedError("the link has ended")
        if kept.fresh and kept.access != refused:
            return Token(opened(kit, kept.access, f"{link_id}/access"), kept.access)
        if kept.refresh is None:
            await _end(kit, link_id, "its token ended and cannot be renewed")
        attempt = uuid4()
        async with kit.transaction() as tx:
            sealed = await tx.store.claim_refresh(link_id, attempt, kept.access, LEASE_SECONDS)
        if sealed is not None:
            return await _renew(kit, link_id, attempt, sealed)
        await asyncio.sleep(LOOK_SECONDS)
    raise RetryLaterError("somebody else renews the token, and does not come to an end")


async def exchange(kit: Kit, client: LinkClient, line: Line, form: dict[str, str]) -> Granted:
    """Ask a token endpoint.

    Raises TokenNotGrantedError where it says no, and Retry where it says nothing about the customer.
    """
    secret = opened(kit, client.client_secret_sealed, f"{client.provider_id}/client_secret")
    body = urlencode(form | {"client_id": client.client_id, "client_secret": secret}).encode()
    try:
        reply = await line.request("POST", "", content=body, headers=FORM)
    except (RejectedError, RetryLaterError):
        raise
    except Exception as error:
        # Whether it was granted does not matter: the same question may be asked again.
        raise RetryLaterError(f"the token endpoint did not answer: {type(error).__name__}") from error
    return _granted(reply)


def sealed_tokens(key: Keys, link_id: str, granted: Granted) -> tuple[bytes, bytes | None]:
    """Return a link's tokens as they are kept."""
    refresh = None if granted.refresh is None else seal(key, granted.refresh, f"{link_id}/refresh")
    return seal(key, granted.access, f"{link_id}/access"), refresh


async def _renew(kit: Kit, link_id: str, attempt: UUID, sealed: bytes) -> Token:
    try:
        async with kit.read() as store:
            client = await store.find_client_of(link_id)
        form = {"grant_type": "refresh_token", "refresh_token": opened(kit, sealed, f"{link_id}/refresh")}
        granted = await exchange(kit, client, line_to(kit, client, client.token_url), form)
    except TokenNotGrantedError as error:
        await _end(kit, link_id, f"the provider renews no token: {error}")
    except BaseException:
        async with kit.transaction() as tx:
            await tx.store.release_refresh(link_id, attempt)
        raise
    tokens = sealed_tokens(keys_of(kit), link_id, granted)
    async with kit.transaction() as tx:
        if not await tx.store.save_tokens(link_id, attempt, tokens, granted.seconds):
            raise RetryLaterError("renewing the token took too long")
    return Token(granted.access, tokens[0])


async def _end(kit: Kit, link_id: str, reason: str) -> Any:
    """End a link that the provider ended; always raises RejectedError."""
    async with kit.transaction() as tx:
        link = await tx.store.lock_link(link_id)
        if link is not None and link.state is not LinkState.ENDED:
            tx.publish(*await end_link(link, reason, tx.store, revoke=False))
    raise RejectedError(reason)


def _granted(reply: Reply) -> Granted:
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


def opened(kit: Kit, blob: bytes, about: str) -> str:
    """Return a sealed secret; raises RetryLaterError where the keys of now do not open it, which is nobody's end."""
    try:
        return open_sealed(keys_of(kit), blob, about)
    except UnsealError as error:
        raise RetryLaterError(f"{about} cannot be opened: {error}") from error


def keys_of(kit: Kit) -> Keys:
    """Return what secrets of others are sealed with."""
    return read_keys(kit.settings.sealing_key)  # type: ignore[attr-defined]  # order_dispatch's own settings
