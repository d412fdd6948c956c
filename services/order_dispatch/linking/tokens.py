"""A link's access token: refreshed before it expires or when it is rejected, by one process at a time."""

import asyncio
import time
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from libs.kit import Kit, RejectedError, RetryLaterError
from services.order_dispatch.domain.links import LinkState
from services.order_dispatch.linking.links import end_link
from services.order_dispatch.linking.oauth import (
    TokenNotGrantedError,
    exchange,
    keys_of,
    open_secret,
    plain_client,
    sealed_tokens,
)

#: Renewed so long before its end that a call which begins now is still taken.
MARGIN_SECONDS = 120.0
#: Longer than a call may take: whoever renews is not overtaken.
LEASE_SECONDS = 20.0
#: How long others wait for the one who renews.
WAIT_SECONDS, LOOK_SECONDS = 15.0, 0.05


class Token(NamedTuple):
    """An access token, and how it is kept: so one says which token was not taken."""

    text: str
    sealed: bytes


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
            return Token(open_secret(kit, kept.access, f"{link_id}/access"), kept.access)
        if kept.refresh is None:
            await _end_link(kit, link_id, "its token ended and cannot be renewed")
        attempt = uuid4()
        async with kit.transaction() as tx:
            sealed = await tx.store.claim_refresh(link_id, attempt, kept.access, LEASE_SECONDS)
        if sealed is not None:
            return await _refresh(kit, link_id, attempt, sealed)
        await asyncio.sleep(LOOK_SECONDS)
    raise RetryLaterError("somebody else renews the token, and does not come to an end")


async def _refresh(kit: Kit, link_id: str, attempt: UUID, sealed: bytes) -> Token:
    try:
        async with kit.read() as store:
            client = await store.find_client_of(link_id)
        form = {"grant_type": "refresh_token", "refresh_token": open_secret(kit, sealed, f"{link_id}/refresh")}
        granted = await exchange(kit, client, plain_client(kit, client, client.token_url), form)
    except TokenNotGrantedError as error:
        await _end_link(kit, link_id, f"the provider renews no token: {error}")
    except BaseException:
        async with kit.transaction() as tx:
            await tx.store.release_refresh(link_id, attempt)
        raise
    tokens = sealed_tokens(keys_of(kit), link_id, granted)
    async with kit.transaction() as tx:
        if not await tx.store.save_tokens(link_id, attempt, tokens, granted.seconds):
            raise RetryLaterError("renewing the token took too long")
    return Token(granted.access, tokens[0])


async def _end_link(kit: Kit, link_id: str, reason: str) -> Any:
    """End a link that the provider ended; always raises RejectedError."""
    async with kit.transaction() as tx:
        link = await tx.store.lock_link(link_id)
        if link is not None and link.state is not LinkState.ENDED:
            tx.publish(*await end_link(link, reason, tx.store, revoke=False))
    raise RejectedError(reason)
