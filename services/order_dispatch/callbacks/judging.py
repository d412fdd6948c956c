"""Processing of stored callbacks: each is parsed by its protocol and applied once as an order update."""

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from pydantic import ValidationError

from replenish_contracts.catalogue import Event
from replenish_contracts.events import OrderUpdated
from services.order_dispatch.acting import hear_update
from services.order_dispatch.domain import Fate, Order, Provider
from services.order_dispatch.outward.metrics import CALLBACKS
from services.order_dispatch.outward.reading import UnreadableAnswerError
from services.order_dispatch.providers import Told, answer_as_update, calling_back

#: A stored callback is processed at once; if it is older than this, its request was interrupted.
INTERRUPTED = timedelta(seconds=60)
PAGE = 100


class Verdict(StrEnum):
    """Outcomes of an update, and two that only callbacks have."""

    APPLIED = Fate.APPLIED
    NOT_APPLIED = Fate.NOT_APPLIED
    REFUSED = Fate.REFUSED
    UNMATCHED = Fate.UNMATCHED
    #: Its update was already received in another callback.
    REPEATED = "repeated"
    #: Correctly signed, but not a valid message of the protocol.
    UNREADABLE = "unreadable"


class Judgement(NamedTuple):
    """A callback's verdict with its reason, and the events to publish."""

    verdict: Verdict
    reason: str = ""
    events: Sequence[Event] = ()
    order_id: str | None = None


async def judge(callback: Any, provider: Provider, store: Any) -> Judgement:
    """Process a stored callback and save the verdict. Its row must be locked."""
    judgement = await _process(callback, provider, store)
    await store.judge_callback(callback, judgement.order_id, judgement.verdict, judgement.reason)
    CALLBACKS.labels(judgement.verdict).inc()
    return judgement


async def _process(callback: Any, provider: Provider, store: Any) -> Judgement:
    try:
        protocol = calling_back(provider.protocol)
        subject = protocol.subject(callback.body)
        order_id = subject.order_id or await store.find_referred(provider.provider_id, subject.reference)
        order: Order | None = None if order_id is None else await store.lock_order(order_id)
        if order is None:
            return Judgement(Verdict.UNMATCHED, "no such order")
        if order.provider_id != provider.provider_id:
            return Judgement(Verdict.REFUSED, "the order belongs to another provider")
        update = _update(callback, protocol.hear(callback.body, order), order)
    except (UnreadableAnswerError, LookupError) as error:
        return Judgement(Verdict.UNREADABLE, str(error))
    if update is None:
        return Judgement(Verdict.NOT_APPLIED, "the callback contains no new state", (), order.order_id)
    return await _apply(update, store)


async def _apply(update: OrderUpdated, store: Any) -> Judgement:
    """Apply an update in the same way as one from the provider's topic."""
    result = await hear_update(update, store)
    if result.verdict is not None:
        return Judgement(Verdict(result.verdict.fate), result.verdict.reason, result.said, update.order_id)
    if result.same:
        return Judgement(Verdict.REPEATED, "", (), update.order_id)
    reason = f"update {update.update_id} was first received with different content"
    return Judgement(Verdict.REFUSED, reason, (), update.order_id)


def _update(callback: Any, content: Told, order: Order) -> OrderUpdated | None:
    """Build the update; id and time default to those of the callback.

    Raises UnreadableAnswerError for invalid values.
    """
    try:
        update_id, at = content.update_id or callback.callback_id, content.occurred_at or callback.received_at
        return answer_as_update(content.answer, order, update_id, at)
    except ValidationError as error:
        raise UnreadableAnswerError(f"the update is invalid: {error.error_count()} fields have errors") from error


async def judge_waiting(store: Any) -> list[Event]:
    """Process callbacks whose request was interrupted after storing them; a periodic job."""
    events: list[Event] = []
    for callback in await store.lock_unjudged(store.now - INTERRUPTED, PAGE):
        provider = await store.find_provider(callback.provider_id)
        if provider is not None:
            events += (await judge(callback, provider, store)).events
    return events


async def forget_old_callbacks(store: Any) -> list[Event]:
    """Delete callback bodies older than `callback_keep_days`; a periodic job."""
    await store.forget_old_callbacks(store.now - timedelta(days=store.settings.callback_keep_days))
    return []
