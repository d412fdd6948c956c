"""Identities of applied reports without seq, and of order lines loaded directly into a slot."""

from collections.abc import Iterable, Mapping
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

    async def add_loaded_lines(self, order_id: str, places: Mapping[str, tuple[str, str]]) -> set[str]:
        """Record the slots (device, slot) that lines of an order were loaded into; return the lines that are new."""
        rows = await self.connection.fetch(
            """-- add_loaded_lines
            INSERT INTO loaded_line (order_id, line_id, device_id, slot)
            SELECT $1, line_id, device_id, slot
            FROM unnest($2::text[], $3::text[], $4::text[]) AS l (line_id, device_id, slot)
            ORDER BY line_id
            ON CONFLICT (order_id, line_id) DO NOTHING RETURNING line_id
            """,
            order_id,
            *zip(*((line_id, *place) for line_id, place in places.items()), strict=True),
        )
        return {row["line_id"] for row in rows}
