"""Calls to linked providers outside transactions; each can be repeated safely."""

from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from libs.kit import Kit, RejectedError, RetryLaterError, Task, TaskKind, TaskResult
from replenish_contracts.catalogue import Event
from services.order_dispatch.domain.links import Link, LinkClient, LinkState, RemoteItem, RemoteSlot
from services.order_dispatch.linking.client import TokenClient, token_client
from services.order_dispatch.linking.links import linking_of, save_subscriptions
from services.order_dispatch.linking.oauth import FORM, open_secret, plain_client
from services.order_dispatch.linking.store import LinkStore
from services.order_dispatch.linking.tokens import MARGIN_SECONDS
from services.order_dispatch.providers.protocol import AccountLinking, ProviderClient


class _LinkContext(NamedTuple):
    """Everything there is to speak with a provider about one link."""

    link: Link
    client: LinkClient
    line: TokenClient
    linking: AccountLinking


async def report_slot(task: Task, kit: Kit) -> dict[str, Any]:
    """Tell a provider how a slot stands now; whichever of several uses asks last, the newest state is told."""
    way = await _link_context(task, kit)
    async with kit.read() as store:
        use = await store.find_slot_use(way.link.link_id, task.payload["slot"])
    if use is not None:
        await way.linking.report_slot(way.line, use)
    return {"told": use is not None}


async def report_device(task: Task, kit: Kit) -> dict[str, Any]:
    """Tell a provider when the device was last used."""
    way = await _link_context(task, kit)
    await way.linking.report_device(way.line, way.link.active_at)
    return {}


async def fetch_subscriptions(task: Task, kit: Kit) -> dict[str, Any]:
    """Ask what the customer switched on at the provider."""
    way = await _link_context(task, kit)
    at = kit.clock.now()
    slots = await way.linking.fetch_subscriptions(way.line)
    told = [[s.remote_slot, s.subscribed, [[i.reference, i.quantity, i.unit] for i in s.items]] for s in slots]
    return {"occurred_at": at.isoformat(), "slots": told}


async def on_subscriptions_fetched(task: Task, outcome: TaskResult, store: LinkStore) -> list[Event]:
    """Note what the provider answered, unless a notification knows better."""
    link = await store.lock_link(task.payload["link_id"])
    if outcome.result is None or link is None or link.state is not LinkState.ACTIVE:
        return []
    events = [
        RemoteSlot(slot, subscribed, tuple(RemoteItem(*item) for item in items))
        for slot, subscribed, items in outcome.result["slots"]
    ]
    return await save_subscriptions(link, events, datetime.fromisoformat(outcome.result["occurred_at"]), store)


async def revoke_link(task: Task, kit: Kit) -> dict[str, Any]:
    """Have the provider forget a link; after many vain attempts it is forgotten here alone."""
    try:
        way = await _link_context(task, kit, active=False)
        await way.linking.deregister(way.line, way.link.serial)
        if way.client.revoke_url:
            await _revoke_token(way, plain_client(kit, way.client, way.client.revoke_url), kit)
    except RejectedError:
        raise
    except Exception as error:
        if task.attempt >= kit.settings.revoke_attempts:  # type: ignore[attr-defined]  # our own settings
            raise RejectedError(f"given up after {task.attempt} attempts: {error}") from error
        raise RetryLaterError(f"not revoked yet: {error}") from error
    return {}


async def on_link_revoked(task: Task, outcome: TaskResult, store: LinkStore) -> list[Event]:  # noqa: ARG001  # both are the end
    """Delete the tokens, whether the provider agreed or not."""
    link = await store.lock_link(task.payload["link_id"])
    if link is not None:
        await store.end_link(link.link_id, "", LinkState.ENDED)
        await store.delete_erased_link(link.link_id)
    return []


async def ignore_result(task: Task, outcome: TaskResult, store: LinkStore) -> list[Event]:  # noqa: ARG001  # the kit's signature
    return []


async def _link_context(task: Task, kit: Kit, *, active: bool = True) -> _LinkContext:
    """Return the way to a link's provider; raises RejectedError where the link has ended."""
    async with kit.read() as store:
        link: Link | None = await store.find_link(task.payload["link_id"])
        client: LinkClient | None = None if link is None else await store.find_link_client(link.provider_id)
        provider = None if link is None else await store.find_provider(link.provider_id)
    if link is None or client is None or provider is None or (active and link.state is not LinkState.ACTIVE):
        raise RejectedError("the link has ended")
    return _LinkContext(link, client, token_client(kit, client, link.link_id), linking_of(provider))


async def _revoke_token(way: _LinkContext, line: ProviderClient, kit: Kit) -> None:
    """Revoke the refresh token, and with it the others (RFC 7009); it answers 200 for unknown tokens, too."""
    async with kit.read() as store:
        kept = await store.find_tokens(way.link.link_id, MARGIN_SECONDS)
    if kept is None or kept.refresh is None:
        return
    token = open_secret(kit, kept.refresh, f"{way.link.link_id}/refresh")
    secret = open_secret(kit, way.client.client_secret_sealed, f"{way.client.provider_id}/client_secret")
    asked = {"token": token, "token_type_hint": "refresh_token"}
    asked |= {"client_id": way.client.client_id, "client_secret": secret}
    await line.request("POST", "", content=urlencode(asked).encode(), headers=FORM)


TASKS = (
    TaskKind("slot_status", perform=report_slot, complete=ignore_result, reconcile=report_slot),
    TaskKind("device_status", perform=report_device, complete=ignore_result, reconcile=report_device),
    TaskKind(
        "subscription_info",
        perform=fetch_subscriptions,
        complete=on_subscriptions_fetched,
        reconcile=fetch_subscriptions,
    ),
    TaskKind("unlink", perform=revoke_link, complete=on_link_revoked, reconcile=revoke_link),
)
