"""Applies decisions about orders: saves them, moves money, calls or notifies the provider."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from libs.kit.clock import bounded
from replenish_contracts.catalogue import Event
from replenish_contracts.events import ClaimRaised, OrderUpdated, PaymentFailed, ShipTo
from services.order_dispatch.domain import (
    Decision,
    MoneyMove,
    Order,
    PaymentMove,
    Provider,
    ProviderRequest,
    State,
    UpdateDecision,
    decide_update,
    fail,
    money_moves,
    next_step,
    record_payment_failure,
    refuse_by_terms,
)
from services.order_dispatch.orders.store import OrderStore
from services.order_dispatch.payments import commands as payments
from services.order_dispatch.providers.protocol import EventTransport, ProviderProtocol
from services.order_dispatch.providers.registry import fulfilment_plan, get_protocol


async def apply_decision(decision: Decision, store: OrderStore, ship_to: ShipTo | None = None) -> list[Event]:
    """Save a decision and return its events; calls to the provider become tasks."""
    await store.save_order_decision(decision)
    for event in decision.events:
        if isinstance(event, ClaimRaised):
            await store.add_claim(event)
    events = list(decision.events)
    provider = await store.find_provider(decision.order.provider_id) if decision.requests else None
    if provider is not None and fulfilment_plan(provider).calls:
        for request in decision.requests:
            _add_provider_call(request, decision.order, store)
    elif provider is not None:
        events += request_events(decision.requests, decision.order, get_protocol(provider.protocol), store.now, ship_to)
    return events + await move_money(money_moves(decision), decision.order, store)


def request_events(
    requests: Iterable[ProviderRequest],
    order: Order,
    protocol: ProviderProtocol,
    at: datetime,
    ship_to: ShipTo | None = None,
) -> list[Event]:
    """Translate requests into the events of a protocol that uses them.

    Raises ValueError for a submit without the address that the protocol needs, LookupError if the protocol calls.
    """
    transport = protocol.transport
    if not isinstance(transport, EventTransport):
        raise LookupError(f"{protocol.name} calls its providers")
    events: list[Event] = []
    for request in requests:
        if request is ProviderRequest.CANCEL:
            events += transport.cancel(order, at)
        elif request is ProviderRequest.STATUS:
            events += transport.status(order, at)
        elif ship_to is not None or not protocol.needs_address:
            events += transport.submit(order, ship_to, at)
        else:
            raise ValueError(f"order {order.order_id} cannot be placed without an address")
    return events


def _add_provider_call(request: ProviderRequest, order: Order, store: OrderStore) -> None:
    """Add a task: one submit per order, other requests one per time of decision."""
    name = request if request is ProviderRequest.SUBMIT else f"{request}/{store.now:%Y%m%dT%H%M%S%f}"
    store.add_task("provider_call", f"{order.order_id}/{name}", {"order_id": order.order_id, "request": request})


async def advance_order(
    order: Order, provider: Provider | None, store: OrderStore, ship_to: ShipTo | None = None
) -> list[Event]:
    """Advance an order; if the step needs the address, add a task that fetches it first."""
    if provider is None or not provider.active:
        return await apply_decision(fail(order, f"{order.provider_id} is not active", store.now), store)
    protocol = get_protocol(provider.protocol)
    if protocol.check_terms is not None and order.state is State.DRAFTED:
        reason = protocol.check_terms(order, provider, ship_to)
        if reason is not None:
            return await apply_decision(refuse_by_terms(order, reason, store.now), store)
    decision = next_step(order, fulfilment_plan(provider), store.timeouts, store.now)
    sends_address = isinstance(protocol.transport, EventTransport) and protocol.needs_address
    if decision.order.state is not State.PLACING or not sends_address or ship_to is not None:
        return await apply_decision(decision, store, ship_to)
    await store.save_order_decision(Decision(order))
    store.add_task("fetch_address", f"{order.order_id}/{order.step}", address_payload(order))
    return []


def address_payload(order: Order, provider: Provider | None = None) -> dict[str, Any]:
    """Return the payload of the `fetch_address` task; `address` is false if the step needs no address."""
    payload: dict[str, Any] = {"order_id": order.order_id, "customer_id": order.customer_id}
    if provider is None or not provider.active:
        return payload
    protocol, plan = get_protocol(provider.protocol), fulfilment_plan(provider)
    if protocol.check_terms is not None:
        return payload
    sends_address = not plan.calls and protocol.needs_address
    comes_later = (plan.reserves or (plan.pays and bool(order.price))) and not order.test
    return payload if sends_address and not comes_later else payload | {"address": False}


class AppliedUpdate(NamedTuple):
    """The result of an update; `decision` is None for a repetition."""

    decision: UpdateDecision | None
    #: False if the first update with this id had another content.
    is_same: bool
    events: list[Event]


async def apply_update(update: OrderUpdated, store: OrderStore) -> AppliedUpdate:
    """Decide an update, store it with its outcome and apply what follows; a repeated update id changes nothing."""
    times = {name: bounded(at) for name in ("occurred_at", "expected_at") if (at := getattr(update, name)) is not None}
    update = update.model_copy(update=times)
    order = await store.lock_order(update.order_id)
    is_same = await store.count_repeat(update)
    if is_same is not None:
        return AppliedUpdate(None, is_same, [])
    provider = await store.find_provider(update.provider_id)
    newest = await store.find_newest_update(update)
    decided = decide_update(order, update, provider, store.timeouts, store.now, newest)
    await store.add_update(update, decided)
    events = await apply_decision(decided.decision, store) if decided.decision is not None else []
    return AppliedUpdate(decided, is_same=True, events=events)


async def move_money(moves: Sequence[PaymentMove], order: Order, store: OrderStore) -> list[Event]:
    """Request what a decision means for the order's money; the order's row is locked."""
    events: list[Event] = []
    for move in moves:
        events += await _move_money(move, order, store)
    return events


async def _move_money(move: PaymentMove, order: Order, store: OrderStore) -> Sequence[Event]:
    if move.kind is MoneyMove.AUTHORIZE:
        return await payments.authorize(order, store)
    if move.kind is MoneyMove.CAPTURE:
        events = await payments.capture(order, move.amount, store)
        for failed in events:
            if isinstance(failed, PaymentFailed):  # nothing is authorized any more, and no step will complete
                await store.save_order_decision(Decision(record_payment_failure(order, failed.reason)))
        return events
    if move.kind is MoneyMove.REFUND:
        return await payments.refund(order, move.amount, store)
    return await payments.void(order, store)
