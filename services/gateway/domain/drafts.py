"""Reports as senders write them, before anybody knows whether they make sense."""

from datetime import datetime
from typing import Annotated

import msgspec

from replenish_contracts.events import Reporter

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
#: As written: "2.5", 2.5 or 2; it is turned into whole steps exactly, once.
Amount = Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | int | float


class Draft(msgspec.Struct, tag_field="type", forbid_unknown_fields=True, kw_only=True, gc=False):
    """What every report may say. A misspelled field is an error, never silently nothing."""

    slot: Name | None = None
    device_id: Name | None = None
    unit: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None
    boot: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None
    seq: Annotated[int, msgspec.Meta(ge=1, le=2**53)] | None = None
    occurred_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    id: Name | None = None


class Used(Draft, tag="SlotUsed"):
    quantity: Amount


class Measured(Draft, tag="SlotMeasured"):
    level: Amount
    by: Reporter | None = None


class Refilled(Draft, tag="SlotRefilled"):
    quantity: Amount | None = None
    by: Reporter | None = None


#: By the name of the event they become.
KINDS: dict[str, type[Draft]] = {"SlotUsed": Used, "SlotMeasured": Measured, "SlotRefilled": Refilled}


def amount_of(draft: Draft) -> tuple[str, str | int | float | None]:
    """Return which field holds the amount, and the amount as written."""
    if isinstance(draft, Measured):
        return "level", draft.level
    return "quantity", draft.quantity if isinstance(draft, Used | Refilled) else None


def type_of(draft: Draft) -> str:
    """Return the name of the event a draft becomes."""
    return str(draft.__struct_config__.tag)
