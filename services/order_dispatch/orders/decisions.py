"""Applies decisions about orders: saves them, requests payments, sends requests to the provider."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from libs.kit.clock import bounded
from replenish_contracts.catalogue import Event
from replenish_contracts.events import ClaimRaised, OrderUpdated, PaymentFailed, ShipTo, UpdateStatus
from services.order_dispatch.domain.cancellation import fail
from services.order_dispatch.domain.money import MoneyMove, PaymentMove, money_moves, record_payment_failure
from services.order_dispatch.domain.order import Decision, Order, ProviderRequest
from services.order_dispatch.domain.placing import next_step, refuse_by_terms
from services.order_dispatch.domain.promises import DEFAULT_ZONE
from services.order_dispatch.domain.provider import Provider
from services.order_dispatch.domain.states import State
from services.order_dispatch.domain.updates import UpdateDecision, decide_update
from services.order_dispatch.orders.store import OrderStore
from services.order_dispatch.payments import commands as payments
from services.order_dispatch.providers.metrics import DROPPED_DETAILS, UNKNOWN_WORDS
from services.order_dispatch.providers.protocol import EventTransport, ProviderProtocol
from services.order_dispatch.providers.registry import fulfilment_plan, get_protocol


def address_payload(order: Order, provider: Provider | None = None) -> dict[str, Any]:
    """Return the payload of the `fetch_address` task; `address` is false if the step needs no address."""
    payload: dict[str, Any] = {"order_id": order.order_id, "customer_id": order.customer_id}
    if provider is None or not provider.active:
        return payload
    protocol, plan = get_protocol(provider.protocol), fulfilment_plan(provider)
    if protocol.check_terms is not None:
        return payload
    is_sent_later = (plan.reserves or (plan.pays and bool(order.price))) and not order.test
    return payload if protocol.puts_address_in_event and not is_sent_later else payload | {"address": False}


async def advance_order(
    order: Order, provider: Provider | None, store: OrderStore, ship_to: ShipTo | None = None
) -> list[Event]:
    """Take an order's next step towards submission; if that needs the address, add a task that fetches it first."""
    if provider is None or not provider.active:
        return await apply_decision(fail(order, f"{order.provider_id} is not active", store.now), store)
    protocol = get_protocol(provider.protocol)
    if protocol.check_terms is not None and order.state is State.DRAFTED:
        reason = protocol.check_terms(order, provider, ship_to)
        if reason is not None:
            return await apply_decision(refuse_by_terms(order, reason, store.now), store)
    decision = next_step(order, fulfilment_plan(provider), store.timeouts, store.now)
    if decision.order.state is not State.PLACING or not protocol.puts_address_in_event or ship_to is not None:
        return await apply_decision(decision, store, ship_to)
    await store.save_order_decision(Decision(order))
    store.add_task("fetch_address", f"{order.order_id}/{order.step}", address_payload(order))
    return []


async def apply_decision(decision: Decision, store: OrderStore, ship_to: ShipTo | None = None) -> list[Event]:
    """Save a decision and return its events; requests become events or, for protocols that call, tasks."""
    await store.save_order_decision(decision)
    for event in decision.events:
        if isinstance(event, ClaimRaised):
            await store.add_claim(event)
    events = list(decision.events)
    order = decision.order
    provider = await store.find_provider(order.provider_id) if decision.requests else None
    if provider is not None and fulfilment_plan(provider).calls:
        for request in decision.requests:
            # One submission per order; other requests once per decision.
            name = request if request is ProviderRequest.SUBMIT else f"{request}/{store.now:%Y%m%dT%H%M%S%f}"
            payload = {"order_id": order.order_id, "request": request}
            store.add_task("provider_call", f"{order.order_id}/{name}", payload)
    elif provider is not None:
        events += request_events(decision.requests, order, get_protocol(provider.protocol), store.now, ship_to)
    return events + await move_money(money_moves(decision), order, store)


def request_events(
    requests: Iterable[ProviderRequest],
    order: Order,
    protocol: ProviderProtocol,
    at: datetime,
    ship_to: ShipTo | None = None,
) -> list[Event]:
    """Return the protocol's events for the requests.

    Raises ValueError for a submission without the address that the protocol needs, TypeError if the protocol calls.
    """
    transport = protocol.transport
    if not isinstance(transport, EventTransport):
        raise TypeError(f"{protocol.name} calls its providers")
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


async def move_money(moves: Sequence[PaymentMove], order: Order, store: OrderStore) -> list[Event]:
    """Request the moves of the order's payment; the order's row must be locked."""
    events: list[Event] = []
    for move in moves:
        if move.kind is MoneyMove.AUTHORIZE:
            events += await payments.authorize(order, store)
        elif move.kind is MoneyMove.CAPTURE:
            requested = await payments.capture(order, move.amount, store, final=move.final)
            for failed in requested:
                if isinstance(failed, PaymentFailed):  # the authorization has expired, so no task will report it
                    payment = await store.lock_payment_of_order(order.order_id)
                    captured = 0 if payment is None else payment.captured
                    await store.save_order_decision(Decision(record_payment_failure(order, failed.reason, captured)))
            events += requested
        elif move.kind is MoneyMove.REFUND:
            events += await payments.refund(order, move.amount, store)
        else:
            events += await payments.void(order, store)
    return events


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
    is_dated = order is not None and update.expected_date is not None
    time_zone = await store.get_time_zone(order.customer_id) if order and is_dated else DEFAULT_ZONE
    decided = decide_update(order, update, provider, store.timeouts, store.now, newest, time_zone)
    await store.add_update(update, decided)
    _count_unclear(update, decided, provider)
    events = await apply_decision(decided.decision, store) if decided.decision is not None else []
    return AppliedUpdate(decided, is_same=True, events=events)


def _count_unclear(update: OrderUpdated, decided: UpdateDecision, provider: Provider | None) -> None:
    protocol = "unknown" if provider is None else provider.protocol
    statuses = (update.status, *(line.status for line in update.lines))
    UNKNOWN_WORDS.labels(protocol).inc(statuses.count(UpdateStatus.UNCLEAR))
    DROPPED_DETAILS.labels(protocol).inc(len(decided.notes))
