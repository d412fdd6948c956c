"""The access token of a link: renewed before it expires or when it is rejected, by one process at a time."""

import asyncio
import time
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from libs.kit import Kit, RejectedError, RetryLaterError
from services.order_dispatch.domain.links import LinkState
from services.order_dispatch.linking.links import end_link
from services.order_dispatch.linking.oauth import (
    TokenNotGrantedError,
    open_secret,
    request_token,
    seal_tokens,
)
from services.order_dispatch.sealing import sealing_keys

#: A token is renewed this long before its expiry, so that a call which starts now ends before it.
MARGIN_SECONDS = 120.0
#: Longer than a call may take, so that no other process renews the same token meanwhile.
LEASE_SECONDS = 20.0
#: How long, and at which interval, other callers wait for the renewal.
WAIT_SECONDS, POLL_SECONDS = 15.0, 0.05


class Token(NamedTuple):
    """An access token, and its stored form, which identifies it if it is rejected."""

    text: str
    sealed: bytes


async def get_token(kit: Kit, link_id: str, rejected: bytes | None = None) -> Token:
    """Return a valid access token, renewed if necessary; `rejected` is one that the provider did not accept.

    Raises RejectedError if the link has ended or ends now because the provider refuses to renew the token, and
    RetryLaterError if the provider or the process that renews it does not answer in time.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        async with kit.read() as store:
            tokens = await store.find_tokens(link_id, MARGIN_SECONDS)
        if tokens is None:
            raise RejectedError("the link has ended")
        if tokens.fresh and tokens.access != rejected:
            return Token(open_secret(kit, tokens.access, f"{link_id}/access"), tokens.access)
        if tokens.refresh is None:
            await _end_link(kit, link_id, "the access token expired and cannot be renewed")
        attempt = uuid4()
        async with kit.transaction() as tx:
            refresh = await tx.store.claim_refresh(link_id, attempt, tokens.access, LEASE_SECONDS)
        if refresh is not None:
            return await _refresh(kit, link_id, attempt, refresh)
        await asyncio.sleep(POLL_SECONDS)
    raise RetryLaterError("another process is renewing the token and has not finished")


async def _refresh(kit: Kit, link_id: str, attempt: UUID, refresh: bytes) -> Token:
    try:
        async with kit.read() as store:
            client = await store.find_client_of_link(link_id)
        form = {"grant_type": "refresh_token", "refresh_token": open_secret(kit, refresh, f"{link_id}/refresh")}
        grant = await request_token(kit, client, form)
    except TokenNotGrantedError as error:
        await _end_link(kit, link_id, f"the provider refused to renew the token: {error}")
    except BaseException:
        async with kit.transaction() as tx:
            await tx.store.release_refresh(link_id, attempt)
        raise
    tokens = seal_tokens(sealing_keys(kit), link_id, grant)
    async with kit.transaction() as tx:
        if not await tx.store.save_tokens(link_id, attempt, tokens, grant.seconds):
            raise RetryLaterError("renewing the token took longer than its lease")
    return Token(grant.access, tokens[0])


async def _end_link(kit: Kit, link_id: str, reason: str) -> Any:
    """End a link whose tokens are useless; always raises RejectedError with the reason."""
    async with kit.transaction() as tx:
        link = await tx.store.lock_link(link_id)
        if link is not None and link.state is not LinkState.ENDED:
            tx.publish(*await end_link(link, reason, tx.store, revoke=False))
    raise RejectedError(reason)
