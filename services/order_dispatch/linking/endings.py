"""How links end and move: by the customer, with the device or the customer, or at the provider."""

from dataclasses import replace
from typing import TypedDict

from replenish_contracts.catalogue import Event
from replenish_contracts.events import DeviceReplaced, LinkEnded, SlotFollowed
from services.order_dispatch.domain.links import Link, LinkState
from services.order_dispatch.store import Store


async def end_link(link: Link, reason: str, store: Store, *, revoke: bool = True, erase: bool = False) -> list[Event]:
    """Stop using a link; with `revoke` its tokens are kept until the provider was told, else they go at once."""
    events: list[Event] = []
    if link.state is LinkState.ACTIVE:
        events = [follow(link, slot, store, following=False) for slot in await store.list_followed(link.link_id)]
        events.append(LinkEnded(**_of(link), link_id=link.link_id, reason=reason, occurred_at=store.now))
    await store.drop_link_slots(link.link_id)
    await store.end_link(link.link_id, reason, LinkState.ENDING if revoke else LinkState.ENDED)
    if erase:
        await store.forget_notifications(link.provider_id, link.serial)
    if revoke:
        store.add_task("unlink", link.link_id, {"link_id": link.link_id})
    return events


async def end_links_of_device(customer_id: str, device_id: str, registration: int, store: Store) -> list[Event]:
    """End what was linked for this registration of a device, and not for a later one."""
    if await store.is_registered_since(device_id, registration):
        return []
    links = await store.lock_links(customer_id, device_id)
    return [event for link in links for event in await end_link(link, "the device was deregistered", store)]


async def end_links_of_customer(customer_id: str, store: Store) -> list[Event]:
    """End everything a customer linked, and forget it as soon as the providers have revoked it."""
    events: list[Event] = []
    for link in await store.lock_links(customer_id):
        events += await end_link(link, "the customer left", store, erase=True)
    await store.erase_links(customer_id)
    return events


async def move_links(event: DeviceReplaced, store: Store) -> list[Event]:
    """Let links go on with the device that took over; a slot that went nowhere is not the provider's any more."""
    events: list[Event] = []
    for link in await store.lock_links(event.customer_id, event.replaces):
        await store.move_link_slots(link.link_id, [(move.old_slot, move.new_slot) for move in event.moves])
        await store.move_link(link.link_id, event.device_id)
        moved = replace(link, device_id=event.device_id)
        events += [follow(moved, slot, store, following=True) for slot in await store.list_followed(link.link_id)]
    return events


def follow(link: Link, slot: str, store: Store, *, following: bool) -> SlotFollowed:
    """Return the word that a provider wants to hear of a slot's uses, or no longer does."""
    return SlotFollowed(**_of(link), slot=slot, following=following, occurred_at=store.now)


class _Whose(TypedDict):
    customer_id: str
    device_id: str
    provider_id: str


def _of(link: Link) -> _Whose:
    return {"customer_id": link.customer_id, "device_id": link.device_id, "provider_id": link.provider_id}
