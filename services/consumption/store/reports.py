"""Identities of applied reports without seq, and of orders loaded directly into a slot."""

from collections.abc import Iterable
from datetime import date

from libs.kit import Store

#: device, slot, identity
ReportIdentity = tuple[str, str, str]


class Reports(Store):
    async def find_report_identities(self, identities: Iterable[ReportIdentity]) -> set[ReportIdentity]:
        asked = sorted(set(identities))
        if not asked:
            return set()
        rows = await self.connection.fetch(
            """-- find_report_identities
            SELECT device_id, slot, identity
            FROM unnest($1::text[], $2::text[], $3::text[]) AS r (device_id, slot, identity)
            JOIN known_report USING (device_id, slot, identity)
            """,
            *zip(*asked, strict=True),
        )
        return {(row["device_id"], row["slot"], row["identity"]) for row in rows}

    async def add_report_identities(self, identities: Iterable[ReportIdentity], on: date) -> None:
        new = sorted(identities)
        if not new:
            return
        await self.connection.execute(
            """-- add_report_identities
            INSERT INTO known_report (device_id, slot, identity, received_on)
            SELECT device_id, slot, identity, $4
            FROM unnest($1::text[], $2::text[], $3::text[]) AS r (device_id, slot, identity)
            """,
            *zip(*new, strict=True),
            on,
        )

    async def add_loaded_order(self, order_id: str, device_id: str, slot: str) -> bool:
        """Return False if this order was loaded before."""
        row = await self.connection.fetchrow(
            """-- add_loaded_order
            INSERT INTO loaded_order (order_id, device_id, slot) VALUES ($1, $2, $3)
            ON CONFLICT (order_id) DO NOTHING RETURNING order_id
            """,
            order_id,
            device_id,
            slot,
        )
        return row is not None
