"""Reports as senders write them, parsed but not yet validated against their device."""

from datetime import datetime
from typing import Annotated

import msgspec

from replenish_contracts.events import Reporter

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
#: As written: "2.5", 2.5 or 2. Validation converts it to whole steps, and rounds only what was measured.
Amount = Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | int | float


class Report(msgspec.Struct, tag_field="type", forbid_unknown_fields=True, kw_only=True, gc=False):
    """Fields common to all reports. Unknown fields are errors, so that a misspelled one is not silently dropped."""

    slot: Name | None = None
    device_id: Name | None = None
    unit: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None
    boot: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None
    seq: Annotated[int, msgspec.Meta(ge=1, le=2**53)] | None = None
    occurred_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    id: Name | None = None


class UsageReport(Report, tag="SlotUsed"):
    quantity: Amount


class LevelReport(Report, tag="SlotMeasured"):
    level: Amount
    by: Reporter | None = None


class RefillReport(Report, tag="SlotRefilled"):
    quantity: Amount | None = None
    by: Reporter | None = None


#: By `type`, which is also the name of the event that the report becomes.
REPORT_TYPES: dict[str, type[Report]] = {
    "SlotUsed": UsageReport,
    "SlotMeasured": LevelReport,
    "SlotRefilled": RefillReport,
}


def amount_of(report: Report) -> tuple[str, str | int | float | None]:
    """Return the name and the value of the field that contains the amount."""
    if isinstance(report, LevelReport):
        return "level", report.level
    return "quantity", report.quantity if isinstance(report, UsageReport | RefillReport) else None


def type_of(report: Report) -> str:
    return str(report.__struct_config__.tag)
