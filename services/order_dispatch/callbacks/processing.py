"""Processes stored callbacks: each is parsed by its protocol and applied once as an order update."""

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from pydantic import ValidationError

from replenish_contracts.catalogue import Event
from replenish_contracts.events import OrderUpdated
from services.order_dispatch.domain.order import Order
from services.order_dispatch.domain.provider import Provider
from services.order_dispatch.domain.reports import Outcome
from services.order_dispatch.orders.decisions import apply_update
from services.order_dispatch.providers.metrics import CALLBACKS
from services.order_dispatch.providers.parsing import UnreadableAnswerError
from services.order_dispatch.providers.protocol import CallbackContent, answer_as_update
from services.order_dispatch.providers.registry import callbacks_of

#: A callback is processed right after it is stored; if it is still unprocessed then, its request was interrupted.
INTERRUPTED = timedelta(seconds=60)
PAGE = 100


class CallbackOutcome(StrEnum):
    """The outcomes of an update, and two that only callbacks have."""

    APPLIED = Outcome.APPLIED
    NOT_APPLIED = Outcome.NOT_APPLIED
    REFUSED = Outcome.REFUSED
    UNMATCHED = Outcome.UNMATCHED
    UNCLEAR = Outcome.UNCLEAR
    #: Its update was already received in another callback.
    REPEATED = "repeated"
    #: Correctly signed, but not a valid message of the protocol.
    UNREADABLE = "unreadable"


class CallbackResult(NamedTuple):
    outcome: CallbackOutcome
    reason: str = ""
    events: Sequence[Event] = ()
    order_id: str | None = None


async def process_callback(callback: Any, provider: Provider, store: Any) -> CallbackResult:
    """Process a stored callback and save the outcome. Its row must be locked."""
    result = await _process(callback, provider, store)
    await store.save_callback_outcome(callback, result.order_id, result.outcome, result.reason)
    CALLBACKS.labels(result.outcome).inc()
    return result


async def _process(callback: Any, provider: Provider, store: Any) -> CallbackResult:
    try:
        callbacks = callbacks_of(provider)
        subject = callbacks.subject(callback.body)
        order_id = subject.order_id or await store.find_referenced_order(provider.provider_id, subject.reference)
        order: Order | None = None if order_id is None else await store.lock_order(order_id)
        if order is None:
            return CallbackResult(CallbackOutcome.UNMATCHED, "no such order")
        if order.provider_id != provider.provider_id:
            return CallbackResult(CallbackOutcome.REFUSED, "the order belongs to another provider")
        update = _update(callback, callbacks.parse(callback.body, order), order)
    except (UnreadableAnswerError, LookupError) as error:
        return CallbackResult(CallbackOutcome.UNREADABLE, str(error))
    if update is None:
        return CallbackResult(CallbackOutcome.NOT_APPLIED, "the callback contains no new state", (), order.order_id)
    return await _apply(update, store)


async def _apply(update: OrderUpdated, store: Any) -> CallbackResult:
    applied = await apply_update(update, store)
    if applied.decision is not None:
        outcome = CallbackOutcome(applied.decision.outcome)
        return CallbackResult(outcome, applied.decision.reason, applied.events, update.order_id)
    if applied.is_same:
        return CallbackResult(CallbackOutcome.REPEATED, "", (), update.order_id)
    reason = f"update {update.update_id} was first received with different content"
    return CallbackResult(CallbackOutcome.REFUSED, reason, (), update.order_id)


def _update(callback: Any, content: CallbackContent, order: Order) -> OrderUpdated | None:
    """Build the update; id and time default to those of the callback.

    Raises UnreadableAnswerError for invalid values.
    """
    try:
        update_id, at = content.update_id or callback.callback_id, content.occurred_at or callback.received_at
        return answer_as_update(content.answer, order, update_id, at)
    except ValidationError as error:
        raise UnreadableAnswerError(f"the update is invalid: {_first_error(error)}") from error


def _first_error(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


async def process_interrupted(store: Any) -> list[Event]:
    events: list[Event] = []
    for callback in await store.lock_unprocessed_callbacks(store.now - INTERRUPTED, PAGE):
        provider = await store.find_provider(callback.provider_id)
        if provider is not None:
            events += (await process_callback(callback, provider, store)).events
    return events


async def delete_old_callbacks(store: Any) -> list[Event]:
    """Delete callback bodies older than `callback_keep_days`. Periodic job."""
    await store.delete_old_callbacks(store.now - timedelta(days=store.settings.callback_keep_days))
    return []
