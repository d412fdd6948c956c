"""What becomes of a callback: translated by its provider's protocol, heard once, under the table of moves."""

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from pydantic import ValidationError

from libs.contracts.catalogue import Event
from libs.contracts.events import OrderUpdated
from services.order_dispatch.acting import hear_update
from services.order_dispatch.domain import Fate, Order, Provider
from services.order_dispatch.outward.metrics import CALLBACKS
from services.order_dispatch.outward.reading import Garbled
from services.order_dispatch.providers import Told, answer_as_update, calling_back

#: Whoever keeps a callback judges it at once; after so long he was interrupted.
INTERRUPTED = timedelta(seconds=60)
PAGE = 100


class Verdict(StrEnum):
    """The fates of an update, and two more that a callback can have."""

    APPLIED = Fate.APPLIED
    NOT_APPLIED = Fate.NOT_APPLIED
    REFUSED = Fate.REFUSED
    UNMATCHED = Fate.UNMATCHED
    #: Its update was heard before, in another callback.
    REPEATED = "repeated"
    #: Signed by the provider, and yet no callback of its protocol.
    UNREADABLE = "unreadable"


class Judgement(NamedTuple):
    """A callback's verdict with its reason, and what is said because of it."""

    verdict: Verdict
    reason: str = ""
    events: Sequence[Event] = ()
    order_id: str | None = None


async def judge(callback: Any, provider: Provider, store: Any) -> Judgement:
    """Judge a kept callback whose row is locked, and write the verdict to it."""
    judgement = await _judge(callback, provider, store)
    await store.judge_callback(callback, judgement.order_id, judgement.verdict, judgement.reason)
    CALLBACKS.labels(judgement.verdict).inc()
    return judgement


async def _judge(callback: Any, provider: Provider, store: Any) -> Judgement:
    try:
        speaks = calling_back(provider.protocol)
        named = speaks.subject(callback.body)
        order_id = named.order_id or await store.find_referred(provider.provider_id, named.reference)
        order: Order | None = None if order_id is None else await store.lock_order(order_id)
        if order is None:
            return Judgement(Verdict.UNMATCHED, "no such order")
        if order.provider_id != provider.provider_id:
            return Judgement(Verdict.REFUSED, "the order is another provider's")
        update = _update(callback, speaks.hear(callback.body, order), order)
    except (Garbled, LookupError) as error:
        return Judgement(Verdict.UNREADABLE, str(error))
    if update is None:
        return Judgement(Verdict.NOT_APPLIED, "it says nothing new", (), order.order_id)
    return await _hear(update, store)


async def _hear(update: OrderUpdated, store: Any) -> Judgement:
    """Hear an update as one that came over the provider's topic."""
    heard = await hear_update(update, store)
    if heard.verdict is not None:
        return Judgement(Verdict(heard.verdict.fate), heard.verdict.reason, heard.said, update.order_id)
    if heard.same:
        return Judgement(Verdict.REPEATED, "", (), update.order_id)
    reason = f"update {update.update_id} said something else the first time"
    return Judgement(Verdict.REFUSED, reason, (), update.order_id)


def _update(callback: Any, told: Told, order: Order) -> OrderUpdated | None:
    """Return what was told as an update; its id, where the sender gave none, is the callback's."""
    try:
        update_id, at = told.update_id or callback.callback_id, told.at or callback.received_at
        return answer_as_update(told.answer, order, update_id, at)
    except ValidationError as error:
        raise Garbled(f"this is no update: {error.error_count()} members are not as they should be") from error


async def judge_waiting(store: Any) -> list[Event]:
    """Judge callbacks whose receiver was interrupted between keeping and judging; a tick."""
    said: list[Event] = []
    for callback in await store.lock_unjudged(store.now - INTERRUPTED, PAGE):
        provider = await store.find_provider(callback.provider_id)
        if provider is not None:
            said += (await judge(callback, provider, store)).events
    return said


async def forget_old_callbacks(store: Any) -> list[Event]:
    """Let go of bodies that are old enough; a tick."""
    await store.forget_old_callbacks(store.now - timedelta(days=store.settings.callback_keep_days))
    return []
