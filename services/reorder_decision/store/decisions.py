"""Saves decisions: the pool, its order, the levels of its slots, and the receipts."""

from collections.abc import Iterable
from dataclasses import replace

from replenish_contracts.catalogue import Event
from services.reorder_decision.domain import Decision, Order, Pool, Slot, as_json
from services.reorder_decision.store.pools import Pools


class Decisions(Pools):
    """Saves decisions about locked pools."""

    async def save_decision(self, before: Pool, decision: Decision) -> list[Event]:
        if decision.pool != before:
            await self._save_order(before.order, decision.pool)
            await self._save_levels(slot for slot in decision.pool.slots if slot not in before.slots)
            if replace(decision.pool, slots=before.slots) != before:
                await self.save_pool(decision.pool)
        await self._add_receipts(decision)
        return list(decision.events)

    async def _save_order(self, before: Order | None, pool: Pool) -> None:
        after = pool.order
        if before and (after is None or after.order_id != before.order_id):
            await self.connection.execute(
                "-- _save_order\nUPDATE reorder SET state = 'ended', ended_at = $2 WHERE order_id = $1",
                before.order_id,
                self.now,
            )
        if after and after != before:
            await self.connection.execute(
                """-- _save_order
                INSERT INTO reorder (order_id, pool_id, epoch, quantity, state, decided_at, provider_id)
                VALUES ($1, $2, $3, $4, $5, $6, $7)
                ON CONFLICT (order_id) DO UPDATE SET state = excluded.state, quantity = excluded.quantity,
                    decided_at = excluded.decided_at, provider_id = excluded.provider_id
                WHERE reorder.state = 'proposed'
                """,
                *(after.order_id, pool.pool_id, after.epoch, after.quantity),
                "proposed" if after.proposed else "open",
                self.now,
                after.provider_id,
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

    async def _add_receipts(self, decision: Decision) -> None:
        if not decision.receipts:
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
                for receipt in decision.receipts
            ],
        )
