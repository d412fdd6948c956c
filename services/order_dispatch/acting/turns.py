"""Applies decisions: saves the order, settles payments and issues requests to the provider."""

from datetime import datetime
from typing import Any

from replenish_contracts.catalogue import Event
from replenish_contracts.events import ClaimRaised, ShipTo
from services.order_dispatch.acting.till import settle
from services.order_dispatch.domain import Ask, Order, Provider, State, Turn, dues, fail, proceed, refuse
from services.order_dispatch.providers import has_terms, needs_address, objection, way_to, words
from services.order_dispatch.store import Store


async def carry_out(turn: Turn, store: Store, ship_to: ShipTo | None = None) -> list[Event]:
    """Save a decision and return its events; calls to the provider become tasks."""
    await store.save_turn(turn)
    for event in turn.events:
        if isinstance(event, ClaimRaised):
            await store.add_claim(event)
    provider = await store.find_provider(turn.order.provider_id) if turn.asks else None
    if provider is None:
        events = list(turn.events)
    elif way_to(provider).calls:
        events = list(turn.events)
        for ask in turn.asks:
            _intend(ask, turn.order, store)
    else:
        events = words(turn, provider.protocol, store.now, ship_to)
    return events + await settle(dues(turn), turn.order, store)


def _intend(ask: Ask, order: Order, store: Store) -> None:
    """Add a task: one delivery per order, other requests one per time of decision."""
    name = ask if ask is Ask.DELIVER else f"{ask}/{_stamp(store.now)}"
    store.add_task("ask", f"{order.order_id}/{name}", {"order_id": order.order_id, "ask": ask})


def _stamp(at: datetime) -> str:
    return f"{at:%Y%m%dT%H%M%S%f}"


async def go_on(order: Order, provider: Provider | None, store: Store, ship_to: ShipTo | None = None) -> list[Event]:
    """Advance an order; if the step needs the address, add a task that fetches it first."""
    if provider is None or not provider.active:
        return await carry_out(fail(order, f"{order.provider_id} is not active", store.now), store)
    way = way_to(provider)
    reason = objection(order, provider, ship_to) if order.state is State.DRAFTED else None
    if reason is not None:
        return await carry_out(refuse(order, reason, store.now), store)
    turn = proceed(order, way, store.patience, store.now)
    knows_enough = way.calls or ship_to is not None or not needs_address(provider.protocol)
    if turn.order.state is not State.PLACING or knows_enough:
        return await carry_out(turn, store, ship_to)
    await store.save_turn(Turn(order))
    store.add_task("place", f"{order.order_id}/{order.step}", address_payload(order))
    return []


def address_payload(order: Order, provider: Provider | None = None) -> dict[str, Any]:
    """Return the payload of the `place` task; `address` is false if the step needs no address."""
    payload: dict[str, Any] = {"order_id": order.order_id, "customer_id": order.customer_id}
    if provider is None or not provider.active or has_terms(provider.protocol):
        return payload
    way = way_to(provider)
    known = way.calls or not needs_address(provider.protocol)
    waits = way.reserves or (way.pays and bool(order.price))
    return payload | ({"address": False} if known or (waits and not order.test) else {})
