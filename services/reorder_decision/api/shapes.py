"""Request and response models of the subscription API."""

import json
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, StrictFloat, StrictInt

from libs.kit.http.problems import ProblemError
from replenish_contracts.events import Mode, SubscriptionStatus
from replenish_contracts.units import SYMBOLS, BaseUnit, InvalidAmountError, format_quantity, parse_quantity

Id = Annotated[str, Field(min_length=1, max_length=200)]
#: Numbers are strict: true is not accepted as 1.
Packs = Annotated[int, Field(ge=1, le=10**6, strict=True)]
Days = Annotated[float, Field(ge=0, le=3650, allow_inf_nan=False, strict=True)]
#: At most a week.
Hours = Annotated[float, Field(ge=0, le=168, allow_inf_nan=False, strict=True)]
Reports = Annotated[int, Field(ge=1, le=100, strict=True)]
Number = str | StrictInt | StrictFloat
#: Limit of quantities in events; integers up to it are exact in every JSON parser.
MOST_STEPS = 2**53
#: Providers to use if the first one does not deliver, at most 10.
Alternatives = Annotated[tuple[Id, ...], Field(max_length=10)]


class Amount(BaseModel):
    """A quantity in a common unit; the default is the slot's unit."""

    model_config = ConfigDict(extra="forbid")

    quantity: Number
    unit: str | None = None


class NewSubscription(BaseModel):
    """A new subscription."""

    model_config = ConfigDict(extra="forbid")

    product_id: Id
    provider_id: Id
    packs: Packs = 1
    pack_size: Amount | Number
    mode: Mode = Mode.AUTO
    days: Days = 7.0
    at_level: Amount | Number = 0
    reports: Reports = 1
    alternatives: Alternatives = ()
    #: How long an order waits for other products of the same provider.
    collect_hours: Hours = 0.0


class ChangedSubscription(BaseModel):
    """Changes to a subscription; omitted fields stay as they are."""

    model_config = ConfigDict(extra="forbid")

    provider_id: Id | None = None
    packs: Packs | None = None
    pack_size: Amount | Number | None = None
    mode: Mode | None = None
    status: SubscriptionStatus | None = None
    days: Days | None = None
    at_level: Amount | Number | None = None
    reports: Reports | None = None
    alternatives: Alternatives | None = None
    collect_hours: Hours | None = None


class Unit(NamedTuple):
    """Unit and scale of a pool's slots."""

    base: BaseUnit
    scale: int


def steps_of(field: str, amount: Amount | str | float, unit: Unit) -> int:
    """Return the amount in steps; raises ProblemError 422 with field, problem and remedy."""
    amount = amount if isinstance(amount, Amount) else Amount(quantity=amount)
    try:
        return parse_quantity(amount.quantity, amount.unit or unit.base, base=unit.base, scale=unit.scale)
    except InvalidAmountError as refused:
        error = {"field": field, "problem": refused.problem, "remedy": refused.remedy}
        raise ProblemError(422, refused.code, "The amount is not valid", errors=[error]) from None


def pack_steps_of(amount: Amount | str | float, unit: Unit) -> int:
    steps = steps_of("pack_size", amount, unit)
    if steps == 0:
        error = {"field": "pack_size", "problem": "the pack is empty", "remedy": "send the quantity in one pack"}
        raise ProblemError(422, "out_of_range", "The amount is not valid", errors=[error])
    return steps


def order_of(packs: int, pack_size: int) -> tuple[int, int]:
    """Return both; raises ProblemError 422 if their product exceeds the limit of an order."""
    if packs * pack_size > MOST_STEPS:
        error = {
            "field": "packs",
            "problem": "the total quantity is too large",
            "remedy": "send fewer or smaller packs",
        }
        raise ProblemError(422, "out_of_range", "The amount is not valid", errors=[error])
    return packs, pack_size


def subscription_shown(row: Any) -> dict[str, Any]:
    unit = Unit(BaseUnit(row["unit"] or BaseUnit.EACH), row["scale"] or 0)
    hold = json.loads(row["hold"]) if row["hold"] else {}
    as_is = ("subscription_id", "customer_id", "product_id", "provider_id", "packs", "mode", "status")
    return {
        **{name: row[name] for name in as_is},
        "pack_size": amount_shown(row["pack_size"], unit),
        "days": row["days"],
        "at_level": amount_shown(row["at_level"], unit),
        "reports": row["reports"],
        "alternatives": list(row["alternatives"]),
        "collect_hours": row["collect_hours"],
        "version": row["version"],
        "changed_at": row["changed_at"].isoformat(),
        "pool": {
            "situation": row["situation"],
            "epoch": row["epoch"],
            "reason": hold.get("reason"),
            "wake_up": hold.get("wake_up"),
            "reconsider_at": row["reconsider_at"] and row["reconsider_at"].isoformat(),
        },
        # The slots of devices that are linked with the provider, as the provider reports them.
        "at_provider": json.loads(row["at_provider"]) if row["at_provider"] else [],
    }


def amount_shown(steps: int, unit: Unit) -> dict[str, str]:
    return {"quantity": format_quantity(steps, unit.scale), "unit": SYMBOLS[unit.base] or unit.base}
