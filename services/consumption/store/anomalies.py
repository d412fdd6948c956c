"""Anomalies of devices: how often they are published, and which devices count one sequence over all slots."""

from collections.abc import Iterable
from datetime import datetime

from libs.kit import Store
from replenish_contracts.events import AnomalyCode
from services.consumption.domain.shared_counter import Counter


class Anomalies(Store):
    async def claim_anomalies(
        self, anomalies: Iterable[tuple[str, AnomalyCode]], published_before: datetime
    ) -> set[tuple[str, AnomalyCode]]:
        """Record anomalies (device, code) as published now; return those that were not since `published_before`."""
        wanted = sorted(set(anomalies))
        rows = await self.connection.fetch(
            """-- claim_anomalies
            INSERT INTO anomaly AS known (device_id, code, published_at)
            SELECT device_id, code, $3 FROM unnest($1::text[], $2::text[]) AS r (device_id, code)
            JOIN device USING (device_id)
            ON CONFLICT (device_id, code) DO UPDATE SET published_at = excluded.published_at
                WHERE known.published_at <= $4 OR known.published_at > excluded.published_at
            RETURNING device_id, code
            """,
            *zip(*wanted, strict=True),
            self.now,
            published_before,
        )
        return {(row["device_id"], AnomalyCode(row["code"])) for row in rows}

    async def list_counters(self, device_ids: Iterable[str]) -> dict[str, list[Counter]]:
        """Return the counters of the devices' slots in their current boots.

        The rows are not locked: all reports of a device are applied by one consumer, in this transaction.
        """
        rows = await self.connection.fetch(
            """-- list_counters
            SELECT s.device_id, s.slot, s.boot, s.last_seq,
                array_agg(g.first_seq ORDER BY g.first_seq) FILTER (WHERE g.slot IS NOT NULL) AS firsts,
                array_agg(g.last_seq ORDER BY g.first_seq) FILTER (WHERE g.slot IS NOT NULL) AS lasts
            FROM slot AS s LEFT JOIN gap AS g ON g.device_id = s.device_id AND g.slot = s.slot
                AND g.boot_no = s.boot_no AND g.last_seq IS NOT NULL AND NOT g.given_up
            WHERE s.device_id = ANY($1::text[]) AND s.boot IS NOT NULL
            GROUP BY s.device_id, s.slot
            """,
            sorted(set(device_ids)),
        )
        counters: dict[str, list[Counter]] = {}
        for row in rows:
            missing = tuple(zip(row["firsts"] or (), row["lasts"] or (), strict=True))
            found = Counter(row["slot"], row["boot"], row["last_seq"], missing)
            counters.setdefault(row["device_id"], []).append(found)
        return counters

    async def list_shared_boots(self, device_ids: Iterable[str]) -> dict[str, str]:
        """Return the boot in which a device counts one sequence over all slots, by device."""
        rows = await self.connection.fetch(
            """-- list_shared_boots
            SELECT device_id, shared_boot FROM device
            WHERE device_id = ANY($1::text[]) AND shared_boot IS NOT NULL
            """,
            sorted(set(device_ids)),
        )
        return {row["device_id"]: row["shared_boot"] for row in rows}

    async def save_shared_boot(self, device_id: str, boot: str) -> None:
        await self.connection.execute(
            "-- save_shared_boot\nUPDATE device SET shared_boot = $2 WHERE device_id = $1", device_id, boot
        )
