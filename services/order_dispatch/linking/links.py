"""Creates, moves and ends links, saves subscriptions, and schedules reports to linked providers."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple, TypedDict

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
from services.order_dispatch.domain.countries import unit_in
from services.order_dispatch.domain.links import Attempt, Link, LinkState, RemoteItem, RemoteSlot
from services.order_dispatch.domain.provider import Provider
from services.order_dispatch.linking.oauth import TokenGrant, seal_tokens
from services.order_dispatch.linking.store import LinkStore
from services.order_dispatch.providers.protocol import AccountLinking
from services.order_dispatch.providers.registry import get_protocol
from services.order_dispatch.sealing import Keys


class NewLink(NamedTuple):
    """The created or renewed link; None if the device may not be linked any more."""

    link: Link | None
    events: tuple[Event, ...] = ()


async def create_link(link_id: str, attempt: Attempt, grant: TokenGrant, keys: Keys, store: LinkStore) -> NewLink:
    """Create a link with the granted tokens. An active link of the same customer and device gets the new tokens.

    If the device was removed or belongs to another customer by now, the tokens are revoked.
    """
    # The device is locked first, so that of two concurrent callbacks the second finds the link of the first.
    owned = await store.lock_device_of_customer(attempt.customer_id, attempt.device_id)
    active = await store.lock_active_link(attempt.provider_id, attempt.device_id)
    if active is not None and active.customer_id == attempt.customer_id:
        await store.save_tokens(active.link_id, None, seal_tokens(keys, active.link_id, grant), grant.seconds)
        store.add_task("subscription_info", f"{active.link_id}/{link_id}", {"link_id": active.link_id})
        return NewLink(active)
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
    tokens = seal_tokens(keys, link_id, grant)
    if active is not None or not owned:
        await store.add_unwanted_link(link, tokens, grant.seconds)
        store.add_task("unlink", link_id, {"link_id": link_id})
        return NewLink(None)
    await store.add_link(link, tokens, grant.seconds)
    await store.add_link_slots(link_id, link.device_id)
    store.add_task("subscription_info", link_id, {"link_id": link_id})
    return NewLink(link, (LinkCreated(**_fields(link), link_id=link_id, occurred_at=link.created_at),))


async def end_link(
    link: Link, reason: str, store: LinkStore, *, revoke: bool = True, erase: bool = False
) -> list[Event]:
    """End a link. With `revoke` its tokens are kept until the provider has revoked them, otherwise deleted at once."""
    events: list[Event] = []
    if link.state is LinkState.ACTIVE:
        events = [
            _slot_followed(link, slot, store.now, following=False)
            for slot in await store.list_followed_slots(link.link_id)
        ]
        events.append(LinkEnded(**_fields(link), link_id=link.link_id, reason=reason, occurred_at=store.now))
    await store.delete_link_slots(link.link_id)
    await store.end_link(link.link_id, reason, LinkState.ENDING if revoke else LinkState.ENDED)
    if erase:
        await store.erase_notifications(link.provider_id, link.serial)
    if revoke:
        store.add_task("unlink", link.link_id, {"link_id": link.link_id})
    if link.state is LinkState.ACTIVE:
        _withdraw_blocked(link, f"{link.link_id}/ended", store)
    return events


def _withdraw_blocked(link: Link, name: str, store: LinkStore) -> None:
    """Add a task that cancels orders which the provider does not have and would not take now."""
    store.add_task("withdraw_blocked", name, dict(_fields(link)))


async def end_links_of_device(customer_id: str, device_id: str, registration: int, store: LinkStore) -> list[Event]:
    """End the links of a registration of a device, unless the device has been registered again since."""
    if await store.has_later_registration(device_id, registration):
        return []
    events: list[Event] = []
    for link in await store.lock_links(customer_id, device_id):
        events += await end_link(link, "the device was deregistered", store)
    return events


async def end_links_of_customer(customer_id: str, store: LinkStore) -> list[Event]:
    """End all links of a customer; each row is deleted as soon as its tokens are revoked."""
    events: list[Event] = []
    for link in await store.lock_links(customer_id):
        events += await end_link(link, "the customer's account was deleted", store, erase=True)
    await store.erase_links(customer_id)
    return events


async def move_links(event: DeviceReplaced, store: LinkStore) -> list[Event]:
    """Move links to the device that replaces another; slots without a successor are no longer linked."""
    events: list[Event] = []
    for link in await store.lock_links(event.customer_id, event.replaces):
        await store.move_link_slots(link.link_id, [(move.old_slot, move.new_slot) for move in event.moves])
        await store.move_link(link.link_id, event.device_id)
        moved = replace(link, device_id=event.device_id)
        events += [
            _slot_followed(moved, slot, store.now, following=True)
            for slot in await store.list_followed_slots(link.link_id)
        ]
        for slot, remote, at in await store.list_remote_slots(link.link_id):
            events.append(await _subscription_changed(moved, slot, remote, at, store))
    return events


class _LinkFields(TypedDict):
    customer_id: str
    device_id: str
    provider_id: str


def _fields(link: Link) -> _LinkFields:
    return {"customer_id": link.customer_id, "device_id": link.device_id, "provider_id": link.provider_id}


def _slot_followed(link: Link, slot: str, now: datetime, *, following: bool) -> SlotFollowed:
    return SlotFollowed(**_fields(link), slot=slot, following=following, occurred_at=now)


async def save_subscriptions(link: Link, slots: Iterable[RemoteSlot], at: datetime, store: LinkStore) -> list[Event]:
    """Save the provider's subscriptions as of `at`, and return events for what changed; older data is ignored.

    A time in the future, by a wrong clock, counts as now, so that later changes are not ignored.
    """
    events: list[Event] = []
    at = min(at, store.now)
    for remote in slots:
        saved = await store.save_remote_slot(link.link_id, remote, at)
        if saved is None:
            continue
        slot, changed, switched = saved
        if changed:
            events.append(await _subscription_changed(link, slot, remote, at, store))
            if not remote.subscribed:
                _withdraw_blocked(link, f"{link.link_id}/{slot}/{at.isoformat()}", store)
        if switched:
            events.append(_slot_followed(link, slot, store.now, following=remote.subscribed))
    return events


async def _subscription_changed(
    link: Link, slot: str, remote: RemoteSlot, at: datetime, store: LinkStore
) -> ProviderSubscriptionChanged:
    base = await store.find_slot_unit(link.link_id, remote.remote_slot)
    country = await store.find_country(link.customer_id)
    items = tuple(_subscribed_item(item, base, country) for item in remote.items)
    return ProviderSubscriptionChanged(
        **_fields(link), slot=slot, subscribed=remote.subscribed, items=items, occurred_at=at
    )


def _subscribed_item(item: RemoteItem, base: tuple[BaseUnit, int] | None, country: str | None) -> SubscribedItem:
    """Convert a product of the provider; a quantity that does not convert to the slot's unit is omitted."""
    quantity = None
    if base is not None and item.quantity is not None and item.unit is not None:
        try:
            quantity = parse_quantity(item.quantity, unit_in(item.unit, country), base=base[0], scale=base[1])
        except InvalidAmountError:
            quantity = None
    return SubscribedItem(reference=item.reference or "unnamed", quantity=quantity)


async def on_slot_level_changed(event: SlotLevelChanged, store: LinkStore) -> list[Event]:
    """Schedule a report to every provider that follows the slot, once per event."""
    links = await store.save_slot_use(event.device_id, event.slot, event.level, event.rate_per_day, event.occurred_at)
    for link_id in links:
        use_id = store.cause or event.occurred_at.isoformat()
        store.add_task("slot_status", f"{link_id}/{use_id}", {"link_id": link_id, "slot": event.slot})
    return []


async def on_stock_arrived(event: StockArrived, store: LinkStore) -> list[Event]:
    await store.save_shelf(event.owner_id, event.product_id, event.shelf)
    return []


async def on_stock_counted(event: StockCounted, store: LinkStore) -> list[Event]:
    await store.save_shelf(event.owner_id, event.product_id, event.shelf)
    return []


async def report_linked_devices(store: LinkStore) -> list[Event]:
    """Schedule each linked device's status report and a fetch of its subscriptions; a daily job."""
    day = store.now.date().isoformat()
    for link in await store.list_active_links():
        for kind in ("device_status", "subscription_info"):
            store.add_task(kind, f"{link.link_id}/{day}", {"link_id": link.link_id})
    await store.delete_expired_attempts()
    return []


def get_linking(provider: Provider) -> AccountLinking:
    """Return the account linking of a provider's protocol. Raises ProblemError 422 if it has none."""
    linking = get_protocol(provider.protocol).linking
    if linking is None:
        raise ProblemError(
            422,
            "not_linkable",
            f"The protocol {provider.protocol} has no account linking",
            field="provider_id",
            problem=f"{provider.provider_id} has the protocol {provider.protocol}, which has no account linking",
            remedy="no link is needed: orders reach this provider without one",
        )
    return linking
