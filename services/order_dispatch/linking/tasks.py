"""Tasks that call linked providers; each can be repeated safely."""

from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from libs.kit import Kit, RejectedError, RetryLaterError, Task, TaskKind, TaskResult
from replenish_contracts.catalogue import Event
from services.order_dispatch.domain.links import Link, LinkClient, LinkState, RemoteItem, RemoteSlot
from services.order_dispatch.linking.client import TokenClient, open_token_client
from services.order_dispatch.linking.links import get_linking, save_subscriptions
from services.order_dispatch.linking.oauth import FORM, open_plain_client, open_secret
from services.order_dispatch.linking.store import LinkStore
from services.order_dispatch.linking.tokens import MARGIN_SECONDS
from services.order_dispatch.providers.protocol import AccountLinking
from services.order_dispatch.settings import settings_of


class _LinkContext(NamedTuple):
    link: Link
    client: LinkClient
    http: TokenClient
    linking: AccountLinking


async def report_slot(task: Task, kit: Kit) -> dict[str, Any]:
    """Send the present level of a slot; several uses in a row each send the latest level."""
    context = await _load_context(task, kit)
    async with kit.read() as store:
        use = await store.find_slot_use(context.link.link_id, task.payload["slot"])
    if use is not None:
        await context.linking.report_slot(context.http, use)
    return {"reported": use is not None}


async def report_device(task: Task, kit: Kit) -> dict[str, Any]:
    context = await _load_context(task, kit)
    await context.linking.report_device(context.http, context.link.active_at)
    return {}


async def fetch_subscriptions(task: Task, kit: Kit) -> dict[str, Any]:
    context = await _load_context(task, kit)
    now = kit.clock.now()
    slots = [
        [slot.remote_slot, slot.subscribed, [[item.reference, item.quantity, item.unit] for item in slot.items]]
        for slot in await context.linking.fetch_subscriptions(context.http)
    ]
    return {"occurred_at": now.isoformat(), "slots": slots}


async def on_subscriptions_fetched(task: Task, outcome: TaskResult, store: LinkStore) -> list[Event]:
    """Save the fetched subscriptions, unless a later notification was saved meanwhile."""
    link = await store.lock_link(task.payload["link_id"])
    if outcome.result is None or link is None or link.state is not LinkState.ACTIVE:
        return []
    slots = [
        RemoteSlot(slot, subscribed, tuple(RemoteItem(*item) for item in items))
        for slot, subscribed, items in outcome.result["slots"]
    ]
    return await save_subscriptions(link, slots, datetime.fromisoformat(outcome.result["occurred_at"]), store)


async def revoke_link(task: Task, kit: Kit) -> dict[str, Any]:
    """Deregister the device at the provider and revoke its tokens; gives up after `revoke_attempts` attempts."""
    try:
        context = await _load_context(task, kit, active=False)
        await context.linking.deregister(context.http, context.link.serial)
        if context.client.revoke_url:
            await _revoke_token(context, context.client.revoke_url, kit)
    except RejectedError:
        raise
    except Exception as error:
        if task.attempt >= settings_of(kit).revoke_attempts:
            raise RejectedError(f"given up after {task.attempt} attempts: {error}") from error
        raise RetryLaterError(f"not revoked yet: {error}") from error
    return {}


async def on_link_revoked(task: Task, outcome: TaskResult, store: LinkStore) -> list[Event]:  # noqa: ARG001  # both outcomes end it
    """Delete the tokens, also if the provider refused."""
    link = await store.lock_link(task.payload["link_id"])
    if link is not None:
        await store.end_link(link.link_id, "", LinkState.ENDED)
        await store.delete_erased_link(link.link_id)
    return []


async def ignore_result(task: Task, outcome: TaskResult, store: LinkStore) -> list[Event]:  # noqa: ARG001  # the kit's signature
    return []


async def _load_context(task: Task, kit: Kit, *, active: bool = True) -> _LinkContext:
    async with kit.read() as store:
        link: Link | None = await store.find_link(task.payload["link_id"])
        client: LinkClient | None = None if link is None else await store.find_link_client(link.provider_id)
        provider = None if link is None else await store.find_provider(link.provider_id)
    if link is None or client is None or provider is None or (active and link.state is not LinkState.ACTIVE):
        raise RejectedError("the link has ended")
    return _LinkContext(link, client, open_token_client(kit, client, link.link_id), get_linking(provider))


async def _revoke_token(context: _LinkContext, revoke_url: str, kit: Kit) -> None:
    """Revoke the refresh token, and with it the access token (RFC 7009); the answer to an unknown token is also 200."""
    link, client = context.link, context.client
    async with kit.read() as store:
        tokens = await store.find_tokens(link.link_id, MARGIN_SECONDS)
    if tokens is None or tokens.refresh is None:
        return
    form = {
        "token": open_secret(kit, tokens.refresh, f"{link.link_id}/refresh"),
        "token_type_hint": "refresh_token",
        "client_id": client.client_id,
        "client_secret": open_secret(kit, client.client_secret_sealed, f"{client.provider_id}/client_secret"),
    }
    http = open_plain_client(kit, client, revoke_url)
    await http.request("POST", "", content=urlencode(form).encode(), headers=FORM)


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
