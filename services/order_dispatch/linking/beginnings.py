"""How links begin, and how they come to know what the customer chose at the provider."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from replenish_contracts.catalogue import Event
from replenish_contracts.events import LinkCreated, ProviderSubscriptionChanged, SubscribedItem
from replenish_contracts.units import BaseUnit, InvalidAmountError, parse_quantity
from services.order_dispatch.domain.links import Attempt, Link, LinkState, RemoteItem, RemoteSlot
from services.order_dispatch.linking.endings import follow
from services.order_dispatch.linking.tokens import Granted, sealed_tokens
from services.order_dispatch.sealing import Keys
from services.order_dispatch.store import Store


@dataclass(frozen=True)
class Begun:
    """A link that was made or renewed, if it could be."""

    link: Link | None
    events: tuple[Event, ...] = ()


async def begin_link(link_id: str, attempt: Attempt, granted: Granted, keys: Keys, store: Store) -> Begun:
    """Make a link of granted tokens; one that is there gets new tokens. A device that left meanwhile gets none."""
    # The device first, and locked: whoever comes back at the same moment finds the link that is made here.
    stays = await store.owns_device(attempt.customer_id, attempt.device_id)
    known = await store.lock_active_link(attempt.provider_id, attempt.device_id)
    if known is not None and known.customer_id == attempt.customer_id:
        tokens = sealed_tokens(keys, known.link_id, granted)
        await store.save_tokens(known.link_id, None, tokens, granted.seconds)
        store.add_task("subscription_info", f"{known.link_id}/{link_id}", {"link_id": known.link_id})
        return Begun(known)
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
        return Begun(link, (_made(link),))
    await store.add_unwanted_link(link, sealed_tokens(keys, link_id, granted), granted.seconds)
    store.add_task("unlink", link_id, {"link_id": link_id})
    return Begun(None)


async def hear_subscriptions(link: Link, said: Iterable[RemoteSlot], at: datetime, store: Store) -> list[Event]:
    """Note what the provider says about a link's slots at that time, and say what is new in it."""
    events: list[Event] = []
    for remote in said:
        noted = await store.save_remote_slot(link.link_id, remote, at)
        if noted is None:
            continue
        slot, changed, switched = noted
        if changed:
            base = await store.find_base(link.link_id, remote.remote_slot)
            events.append(
                ProviderSubscriptionChanged(
                    customer_id=link.customer_id,
                    provider_id=link.provider_id,
                    device_id=link.device_id,
                    slot=slot,
                    subscribed=remote.subscribed,
                    items=tuple(_chosen(item, base) for item in remote.items),
                    occurred_at=store.now,
                )
            )
        if switched:
            events.append(follow(link, slot, store, following=remote.subscribed))
    return events


def _chosen(item: RemoteItem, base: tuple[BaseUnit, int] | None) -> SubscribedItem:
    """Return a product as it is told on; a quantity in a unit the slot does not have is left out."""
    quantity = None
    if base is not None and item.quantity is not None and item.unit is not None:
        try:
            quantity = parse_quantity(item.quantity, item.unit, base=base[0], scale=base[1])
        except InvalidAmountError:
            quantity = None
    return SubscribedItem(reference=item.reference or "unnamed", quantity=quantity)


def _made(link: Link) -> LinkCreated:
    return LinkCreated(
        customer_id=link.customer_id,
        link_id=link.link_id,
        provider_id=link.provider_id,
        device_id=link.device_id,
        occurred_at=link.made_at,
    )
