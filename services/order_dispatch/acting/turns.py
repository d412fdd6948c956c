"""Carries a decision out: its rows, its money, and its questions to the provider."""

from datetime import datetime
from typing import Any

from libs.contracts.catalogue import Event
from libs.contracts.events import ClaimRaised, ShipTo
from services.order_dispatch.acting.till import settle
from services.order_dispatch.domain import Ask, Order, Provider, State, Turn, dues, fail, proceed, refuse
from services.order_dispatch.providers import has_terms, needs_address, objection, way_to, words
from services.order_dispatch.store import Store


async def carry_out(turn: Turn, store: Store, ship_to: ShipTo | None = None) -> list[Event]:
    """Store a decision and return all it says; calls to the provider's server are intended, not made."""
    await store.save_turn(turn)
    for event in turn.events:
        if isinstance(event, ClaimRaised):
            await store.add_claim(event)
    provider = await store.find_provider(turn.order.provider_id) if turn.asks else None
    if provider is None:
        said = list(turn.events)
    elif way_to(provider).calls:
        said = list(turn.events)
        for ask in turn.asks:
            _intend(ask, turn.order, store)
    else:
        said = words(turn, provider.protocol, store.now, ship_to)
    return said + await settle(dues(turn), turn.order, store)


def _intend(ask: Ask, order: Order, store: Store) -> None:
    """Intend a call: delivery once per order, anything else once per moment in which it is decided."""
    name = ask if ask is Ask.DELIVER else f"{ask}/{_stamp(store.now)}"
    store.intend("ask", f"{order.order_id}/{name}", {"order_id": order.order_id, "ask": ask})


def _stamp(at: datetime) -> str:
    return f"{at:%Y%m%dT%H%M%S%f}"


async def go_on(order: Order, provider: Provider | None, store: Store, ship_to: ShipTo | None = None) -> list[Event]:
    """Take an order the next step towards its provider; where that needs the address, have it fetched first."""
    if provider is None or not provider.active:
        return await carry_out(fail(order, f"{order.provider_id} is not active", store.now), store)
    way = way_to(provider)
    why_not = objection(order, provider, ship_to) if order.state is State.DRAFTED else None
    if why_not is not None:
        return await carry_out(refuse(order, why_not, store.now), store)
    turn = proceed(order, way, store.patience, store.now)
    knows_enough = way.calls or ship_to is not None or not needs_address(provider.protocol)
    if turn.order.state is not State.PLACING or knows_enough:
        return await carry_out(turn, store, ship_to)
    await store.save_turn(Turn(order))
    store.intend("place", f"{order.order_id}/{order.step}", address_payload(order))
    return []


def address_payload(order: Order, provider: Provider | None = None) -> dict[str, Any]:
    """Return what the effect `place` is told; it fetches no address for a step that needs none."""
    payload: dict[str, Any] = {"order_id": order.order_id, "customer_id": order.customer_id}
    if provider is None or not provider.active or has_terms(provider.protocol):
        return payload
    way = way_to(provider)
    known = way.calls or not needs_address(provider.protocol)
    waits = way.reserves or (way.pays and bool(order.price))
    return payload | ({"address": False} if known or (waits and not order.test) else {})
