"""What linked providers are told and asked outside any transaction; all of it may be repeated harmlessly."""

from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from libs.kit import Kit, RejectedError, RetryLaterError, Task, TaskKind, TaskResult
from replenish_contracts.catalogue import Event
from services.order_dispatch.domain.links import Link, LinkClient, LinkState, RemoteItem, RemoteSlot
from services.order_dispatch.linking.addresses import line_to
from services.order_dispatch.linking.beginnings import hear_subscriptions
from services.order_dispatch.linking.lines import TokenLine, over
from services.order_dispatch.linking.protocols import LinkedProtocol, linked_protocol
from services.order_dispatch.linking.tokens import FORM, MARGIN_SECONDS, opened
from services.order_dispatch.providers import Line
from services.order_dispatch.store import Store


class _Way(NamedTuple):
    """Everything there is to speak with a provider about one link."""

    link: Link
    client: LinkClient
    line: TokenLine
    speaks: LinkedProtocol


async def tell_use(task: Task, kit: Kit) -> dict[str, Any]:
    """Tell a provider how a slot stands now; whichever of several uses asks last, the newest state is told."""
    way = await _way(task, kit)
    async with kit.read() as store:
        use = await store.find_use(way.link.link_id, task.payload["slot"])
    if use is not None:
        await way.speaks.slot_status(way.line, use)
    return {"told": use is not None}


async def tell_activity(task: Task, kit: Kit) -> dict[str, Any]:
    """Tell a provider when the device was last used."""
    way = await _way(task, kit)
    await way.speaks.device_status(way.line, way.link.active_at)
    return {}


async def ask_subscriptions(task: Task, kit: Kit) -> dict[str, Any]:
    """Ask what the customer switched on at the provider."""
    way = await _way(task, kit)
    at = kit.clock.now()
    slots = await way.speaks.subscription_info(way.line)
    told = [[s.remote_slot, s.subscribed, [[i.reference, i.quantity, i.unit] for i in s.items]] for s in slots]
    return {"occurred_at": at.isoformat(), "slots": told}


async def on_subscriptions(task: Task, outcome: TaskResult, store: Store) -> list[Event]:
    """Note what the provider answered, unless a notification knows better."""
    link = await store.lock_link(task.payload["link_id"])
    if outcome.result is None or link is None or link.state is not LinkState.ACTIVE:
        return []
    events = [
        RemoteSlot(slot, subscribed, tuple(RemoteItem(*item) for item in items))
        for slot, subscribed, items in outcome.result["slots"]
    ]
    return await hear_subscriptions(link, events, datetime.fromisoformat(outcome.result["occurred_at"]), store)


async def revoke(task: Task, kit: Kit) -> dict[str, Any]:
    """Have the provider forget a link; after many vain attempts it is forgotten here alone."""
    try:
        way = await _way(task, kit, active=False)
        await way.speaks.deregister(way.line, way.link.serial)
        if way.client.revoke_url:
            await _revoke_token(way, line_to(kit, way.client, way.client.revoke_url), kit)
    except RejectedError:
        raise
    except Exception as error:
        if task.attempt >= kit.settings.revoke_attempts:  # type: ignore[attr-defined]  # our own settings
            raise RejectedError(f"given up after {task.attempt} attempts: {error}") from error
        raise RetryLaterError(f"not revoked yet: {error}") from error
    return {}


async def on_revoked(task: Task, outcome: TaskResult, store: Store) -> list[Event]:  # noqa: ARG001  # both are the end
    """Delete the tokens, whether the provider agreed or not."""
    link = await store.lock_link(task.payload["link_id"])
    if link is not None:
        await store.end_link(link.link_id, "", LinkState.ENDED)
        await store.drop_erased_link(link.link_id)
    return []


async def nothing_more(task: Task, outcome: TaskResult, store: Store) -> list[Event]:  # noqa: ARG001  # the kit's signature
    return []


async def _way(task: Task, kit: Kit, *, active: bool = True) -> _Way:
    """Return the way to a link's provider; raises RejectedError where the link has ended."""
    async with kit.read() as store:
        link: Link | None = await store.find_link(task.payload["link_id"])
        client: LinkClient | None = None if link is None else await store.find_link_client(link.provider_id)
        provider = None if link is None else await store.find_provider(link.provider_id)
    if link is None or client is None or provider is None or (active and link.state is not LinkState.ACTIVE):
        raise RejectedError("the link has ended")
    return _Way(link, client, over(kit, client, link.link_id), linked_protocol(provider.protocol))


async def _revoke_token(way: _Way, line: Line, kit: Kit) -> None:
    """Revoke the refresh token, and with it the others (RFC 7009); it answers 200 for unknown tokens, too."""
    async with kit.read() as store:
        kept = await store.find_tokens(way.link.link_id, MARGIN_SECONDS)
    if kept is None or kept.refresh is None:
        return
    token = opened(kit, kept.refresh, f"{way.link.link_id}/refresh")
    secret = opened(kit, way.client.client_secret_sealed, f"{way.client.provider_id}/client_secret")
    asked = {"token": token, "token_type_hint": "refresh_token"}
    asked |= {"client_id": way.client.client_id, "client_secret": secret}
    await line.request("POST", "", content=urlencode(asked).encode(), headers=FORM)


TASKS = (
    TaskKind("slot_status", perform=tell_use, complete=nothing_more, reconcile=tell_use),
    TaskKind("device_status", perform=tell_activity, complete=nothing_more, reconcile=tell_activity),
    TaskKind("subscription_info", perform=ask_subscriptions, complete=on_subscriptions, reconcile=ask_subscriptions),
    TaskKind("unlink", perform=revoke, complete=on_revoked, reconcile=revoke),
)
