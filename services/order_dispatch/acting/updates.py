"""Hears what a provider says about an order, through whatever door it came; each update once."""

from typing import NamedTuple

from libs.kit.clock import bounded
from replenish_contracts.catalogue import Event
from replenish_contracts.events import OrderUpdated
from services.order_dispatch.acting.turns import carry_out
from services.order_dispatch.domain import Verdict, hear
from services.order_dispatch.store import Store


class Heard(NamedTuple):
    """What became of an update; no verdict where it was heard before."""

    verdict: Verdict | None
    #: Whether it said the same the first time.
    same: bool
    said: list[Event]


async def hear_update(update: OrderUpdated, store: Store) -> Heard:
    """Judge an update, keep it with its fate, and carry out what follows."""
    times = {name: bounded(at) for name in ("occurred_at", "expected_at") if (at := getattr(update, name)) is not None}
    update = update.model_copy(update=times)
    order = await store.lock_order(update.order_id)
    same = await store.count_repeat(update)
    if same is not None:
        return Heard(None, same, [])
    provider = await store.find_provider(update.provider_id)
    newest = await store.find_newest_update(update)
    verdict = hear(order, update, provider, store.patience, store.now, newest)
    await store.add_update(update, verdict)
    said = await carry_out(verdict.turn, store) if verdict.turn is not None else []
    return Heard(verdict, same=True, said=said)
