"""An order includes the customer's other pools that collect for the same provider."""

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from replenish_contracts.catalogue import Event
from replenish_contracts.events import ReorderApproved
from services.reorder_decision.domain.decision import Context, Decision, take_decision
from services.reorder_decision.domain.policy_decision import Why
from services.reorder_decision.domain.pool import Pool, Situation


class PoolDecision(NamedTuple):
    """A decision about a locked pool, and the pool before it."""

    before: Pool
    decision: Decision


def find_approved(events: Iterable[Event]) -> ReorderApproved | None:
    return next((event for event in events if isinstance(event, ReorderApproved)), None)


def combine_order(first: PoolDecision, collecting_pools: Iterable[Pool], context: Context) -> list[PoolDecision]:
    """Return the decisions about all pools of the order; the first one publishes the order.

    The first line is that of the pool whose decision places the order. The others follow in the order in which their
    time to collect ends, then by pool id. A pool that cannot be ordered any more is held instead; a pool that would
    order from another provider continues to collect.
    """
    approved = find_approved(first.decision.events)
    if approved is None:
        return [first]
    lines, needed_by, others = list(approved.lines), approved.needed_by, []
    for pool in sorted(collecting_pools, key=lambda one: (one.collect_until or context.now, one.pool_id)):
        if pool.situation is not Situation.COLLECTING:
            continue
        by = f"{approved.product_id} was ordered from the same provider"
        decision = take_decision(pool, Why.COLLECTED, context, by=by, order_id=approved.order_id)
        own = find_approved(decision.events)
        if own is not None:
            if own.provider_id != approved.provider_id:
                continue
            lines += [own.lines[0].model_copy(update={"line_id": str(len(lines) + 1)})]
            needed_by = min(filter(None, (needed_by, own.needed_by)), default=None)
            decision = replace(decision, events=())
        others.append(PoolDecision(pool, decision))
    combined = approved.model_copy(update={"lines": tuple(lines), "needed_by": needed_by})
    events = tuple(combined if event is approved else event for event in first.decision.events)
    return [PoolDecision(first.before, replace(first.decision, events=events)), *others]
