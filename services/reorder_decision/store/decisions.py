"""Saves decisions: the pool, its order, the levels of its slots, and the receipts."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from replenish_contracts.catalogue import Event
from services.reorder_decision.domain import (
    Decision,
    Pool,
    PoolDecision,
    Receipt,
    Slot,
    as_json,
    combine_order,
    find_approved,
)
from services.reorder_decision.store.pools import Pools


class Decisions(Pools):
    """Saves decisions about locked pools."""

    async def save_decision(self, before: Pool, decision: Decision) -> list[Event]:
        """Save a decision. An order includes the customer's other pools that collect for the same provider."""
        made = [PoolDecision(before, decision)]
        if before.collecting_pool_ids and find_approved(decision.events):
            made = combine_order(made[0], await self.lock_collecting_pools(before.collecting_pool_ids), self.context)
        return await self.save_decisions(made)

    async def save_decisions(self, made: Sequence[PoolDecision]) -> list[Event]:
        """Save decisions about different pools, with as many statements as for one."""
        changed = [one for one in made if one.decision.pool != one.before]
        await self._end_orders(changed)
        await self._save_orders(changed)
        await self._save_levels(
            slot for before, decision in changed for slot in decision.pool.slots if slot not in before.slots
        )
        await self.save_pool(
            *(decision.pool for before, decision in changed if replace(decision.pool, slots=before.slots) != before)
        )
        await self._add_receipts([receipt for _, decision in made for receipt in decision.receipts])
        return [event for _, decision in made for event in decision.events]

    async def _end_orders(self, changed: Iterable[PoolDecision]) -> None:
        ended = [
            (before.pool_id, before.order.epoch)
            for before, decision in changed
            if before.order and (decision.pool.order is None or decision.pool.order.epoch != before.order.epoch)
        ]
        if not ended:
            return
        await self.connection.execute(
            """-- _end_orders
            UPDATE reorder AS r SET state = 'ended', ended_at = $3
            FROM unnest($1::text[], $2::bigint[]) AS line (pool_id, epoch)
            WHERE (r.pool_id, r.epoch) = (line.pool_id, line.epoch)
            """,
            *(list(column) for column in zip(*ended, strict=True)),
            self.now,
        )

    async def _save_orders(self, changed: Iterable[PoolDecision]) -> None:
        lines = [
            (
                *(order.order_id, decision.pool.pool_id, order.epoch, order.quantity),
                *("proposed" if order.proposed else "open", order.provider_id),
            )
            for before, decision in changed
            if (order := decision.pool.order) and order != before.order
        ]
        if not lines:
            return
        await self.connection.execute(
            """-- _save_orders
            INSERT INTO reorder (order_id, pool_id, epoch, quantity, state, provider_id, decided_at)
            SELECT line.*, $7
            FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::text[]) AS line
            ON CONFLICT ON CONSTRAINT one_order_per_epoch DO UPDATE SET state = excluded.state,
                quantity = excluded.quantity, decided_at = excluded.decided_at, provider_id = excluded.provider_id
            WHERE reorder.state = 'proposed'
            """,
            *(list(column) for column in zip(*lines, strict=True)),
            self.now,
        )

    async def _save_levels(self, slots: Iterable[Slot]) -> None:
        """Update the levels of slots; a slot that no longer exists is skipped."""
        changed = sorted(slots, key=lambda slot: slot.place)
        if not changed:
            return
        await self.connection.executemany(
            """-- _save_levels
            UPDATE slot SET level = $3, uncertainty = $4, rate_per_day = $5, level_event = $6, level_at = $7,
                answered = $8
            WHERE device_id = $1 AND slot = $2
            """,
            [
                (
                    *slot.place,
                    slot.level,
                    slot.uncertainty,
                    slot.rate_per_day,
                    slot.level_event,
                    slot.level_at,
                    slot.answered,
                )
                for slot in changed
            ],
        )

    async def _add_receipts(self, receipts: Sequence[Receipt]) -> None:
        if not receipts:
            return
        await self.connection.executemany(
            """-- _add_receipts
            INSERT INTO receipt (receipt_id, customer_id, pool_id, epoch, order_id, outcome, reason, decided_at, inputs,
                                 decision)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            """,
            [
                (
                    *(receipt.receipt_id, receipt.inputs.customer_id, receipt.inputs.pool_id, receipt.inputs.epoch),
                    None if receipt.decision.outcome == "hold" else receipt.inputs.order_id,
                    *(receipt.decision.outcome, receipt.decision.reason, receipt.inputs.occurred_at),
                    *(as_json(receipt.inputs), as_json(receipt.decision)),
                )
                for receipt in receipts
            ],
        )
