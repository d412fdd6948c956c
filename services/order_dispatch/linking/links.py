"""How links begin, change and end, and what linked providers are sent."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypedDict

from libs.kit.http.problems import ProblemError
from replenish_contracts.catalogue import Event
from replenish_contracts.events import (
    DeviceReplaced,
    LinkCreated,
    LinkEnded,
    ProviderSubscriptionChanged,
    SlotFollowed,
    SlotLevelChanged,
    StockArrived,
    StockCounted,
    SubscribedItem,
)
from replenish_contracts.units import BaseUnit, InvalidAmountError, parse_quantity
from services.order_dispatch.domain.links import Attempt, Link, LinkState, RemoteItem, RemoteSlot
from services.order_dispatch.domain.provider import Provider
from services.order_dispatch.linking.oauth import Granted, sealed_tokens
from services.order_dispatch.linking.store import LinkStore
from services.order_dispatch.providers.protocol import AccountLinking
from services.order_dispatch.providers.registry import get_protocol
from services.order_dispatch.sealing import Keys


async def end_link(
    link: Link, reason: str, store: LinkStore, *, revoke: bool = True, erase: bool = False
) -> list[Event]:
    """Stop using a link; with `revoke` its tokens are kept until the provider was told, else they go at once."""
    events: list[Event] = []
    if link.state is LinkState.ACTIVE:
        events = [
            slot_followed(link, slot, store, following=False) for slot in await store.list_followed_slots(link.link_id)
        ]
        events.append(LinkEnded(**_fields(link), link_id=link.link_id, reason=reason, occurred_at=store.now))
    await store.delete_link_slots(link.link_id)
    await store.end_link(link.link_id, reason, LinkState.ENDING if revoke else LinkState.ENDED)
    if erase:
        await store.erase_notifications(link.provider_id, link.serial)
    if revoke:
        store.add_task("unlink", link.link_id, {"link_id": link.link_id})
    return events


async def end_links_of_device(customer_id: str, device_id: str, registration: int, store: LinkStore) -> list[Event]:
    """End what was linked for this registration of a device, and not for a later one."""
    if await store.is_registered_since(device_id, registration):
        return []
    links = await store.lock_links(customer_id, device_id)
    return [event for link in links for event in await end_link(link, "the device was deregistered", store)]


async def end_links_of_customer(customer_id: str, store: LinkStore) -> list[Event]:
    """End everything a customer linked, and forget it as soon as the providers have revoked it."""
    events: list[Event] = []
    for link in await store.lock_links(customer_id):
        events += await end_link(link, "the customer left", store, erase=True)
    await store.erase_links(customer_id)
    return events


async def move_links(event: DeviceReplaced, store: LinkStore) -> list[Event]:
    """Let links go on with the device that took over; a slot that went nowhere is not the provider's any more."""
    events: list[Event] = []
    for link in await store.lock_links(event.customer_id, event.replaces):
        await store.move_link_slots(link.link_id, [(move.old_slot, move.new_slot) for move in event.moves])
        await store.move_link(link.link_id, event.device_id)
        moved = replace(link, device_id=event.device_id)
        events += [
            slot_followed(moved, slot, store, following=True) for slot in await store.list_followed_slots(link.link_id)
        ]
    return events


def slot_followed(link: Link, slot: str, store: LinkStore, *, following: bool) -> SlotFollowed:
    """Return the word that a provider wants to hear of a slot's uses, or no longer does."""
    return SlotFollowed(**_fields(link), slot=slot, following=following, occurred_at=store.now)


class _LinkFields(TypedDict):
    customer_id: str
    device_id: str
    provider_id: str


def _fields(link: Link) -> _LinkFields:
    return {"customer_id": link.customer_id, "device_id": link.device_id, "provider_id": link.provider_id}


@dataclass(frozen=True)
class BeginResult:
    """A link that was made or renewed, if it could be."""

    link: Link | None
    events: tuple[Event, ...] = ()


async def begin_link(link_id: str, attempt: Attempt, granted: Granted, keys: Keys, store: LinkStore) -> BeginResult:
    """Make a link of granted tokens; one that is there gets new tokens. A device that left meanwhile gets none."""
    # The device first, and locked: whoever comes back at the same moment finds the link that is made here.
    stays = await store.owns_device(attempt.customer_id, attempt.device_id)
    known = await store.lock_active_link(attempt.provider_id, attempt.device_id)
    if known is not None and known.customer_id == attempt.customer_id:
        tokens = sealed_tokens(keys, known.link_id, granted)
        await store.save_tokens(known.link_id, None, tokens, granted.seconds)
        store.add_task("subscription_info", f"{known.link_id}/{link_id}", {"link_id": known.link_id})
        return BeginResult(known)
    link = Link(
        link_id,
        attempt.customer_id,
        attempt.device_id,
        attempt.provider_id,
        attempt.device_id,
        LinkState.ACTIVE,
        store.now,
        store.now,
    )
    if known is None and stays:
        await store.add_link(link, sealed_tokens(keys, link_id, granted), granted.seconds)
        await store.add_link_slots(link_id, link.device_id)
        store.add_task("subscription_info", link_id, {"link_id": link_id})
        return BeginResult(link, (_link_created(link),))
    await store.add_unwanted_link(link, sealed_tokens(keys, link_id, granted), granted.seconds)
    store.add_task("unlink", link_id, {"link_id": link_id})
    return BeginResult(None)


async def save_subscriptions(link: Link, said: Iterable[RemoteSlot], at: datetime, store: LinkStore) -> list[Event]:
    """Note what the provider says about a link's slots at that time, and say what is new in it."""
    events: list[Event] = []
    for remote in said:
        noted = await store.save_remote_slot(link.link_id, remote, at)
        if noted is None:
            continue
        slot, changed, switched = noted
        if changed:
            base = await store.find_slot_unit(link.link_id, remote.remote_slot)
            events.append(
                ProviderSubscriptionChanged(
                    customer_id=link.customer_id,
                    provider_id=link.provider_id,
                    device_id=link.device_id,
                    slot=slot,
                    subscribed=remote.subscribed,
                    items=tuple(_subscribed_item(item, base) for item in remote.items),
                    occurred_at=store.now,
                )
            )
        if switched:
            events.append(slot_followed(link, slot, store, following=remote.subscribed))
    return events


def _subscribed_item(item: RemoteItem, base: tuple[BaseUnit, int] | None) -> SubscribedItem:
    """Return a product as it is told on; a quantity in a unit the slot does not have is left out."""
    quantity = None
    if base is not None and item.quantity is not None and item.unit is not None:
        try:
            quantity = parse_quantity(item.quantity, item.unit, base=base[0], scale=base[1])
        except InvalidAmountError:
            quantity = None
    return SubscribedItem(reference=item.reference or "unnamed", quantity=quantity)


def _link_created(link: Link) -> LinkCreated:
    return LinkCreated(
        customer_id=link.customer_id,
        link_id=link.link_id,
        provider_id=link.provider_id,
        device_id=link.device_id,
        occurred_at=link.created_at,
    )


async def on_slot_level_changed(event: SlotLevelChanged, store: LinkStore) -> list[Event]:
    """Tell every provider that follows the slot; each use is told, and told by its newest state."""
    links = await store.save_slot_use(event.device_id, event.slot, event.level, event.rate_per_day, event.occurred_at)
    for link_id in links:
        said = store.cause or event.occurred_at.isoformat()
        store.add_task("slot_status", f"{link_id}/{said}", {"link_id": link_id, "slot": event.slot})
    return []


async def on_stock_arrived(event: StockArrived, store: LinkStore) -> list[Event]:
    await store.save_shelf(event.owner_id, event.product_id, event.shelf)
    return []


async def on_stock_counted(event: StockCounted, store: LinkStore) -> list[Event]:
    await store.save_shelf(event.owner_id, event.product_id, event.shelf)
    return []


async def report_linked_devices(store: LinkStore) -> list[Event]:
    """Once a day: tell each provider when its devices were last used, and ask what their customers chose."""
    day = store.now.date().isoformat()
    for link in await store.list_active_links():
        for kind in ("device_status", "subscription_info"):
            store.add_task(kind, f"{link.link_id}/{day}", {"link_id": link.link_id})
    await store.delete_expired_attempts()
    return []


def linking_of(provider: Provider) -> AccountLinking:
    """Return how customers are linked with a provider; raises ProblemError 422 if its protocol links none."""
    linking = get_protocol(provider.protocol).linking
    if linking is None:
        raise ProblemError(422, "not_linkable", f"The protocol {provider.protocol} links no customers")
    return linking
