"""HTTP API: levels and daily use for owning customers, operators and services."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query

from libs.kit.http.auth import Principal
from libs.kit.http.dependencies import KitDep, PrincipalDep
from libs.kit.http.problems import ProblemError
from replenish_contracts.units import format_quantity
from services.consumption.domain.days import UsedDay
from services.consumption.domain.report import from_unix, to_unix
from services.consumption.domain.slot import Slot
from services.consumption.store import Store

router = APIRouter(prefix="/v1/devices/{device_id}/slots", tags=["slots"])

#: Slots that a refusal lists.
MOST_NAMES = 20
FIRST_DAY = date(1970, 1, 1)


@router.get("")
async def list_slots(device_id: str, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    async with kit.read() as store:
        slots = await _owned_slots(device_id, principal, store)
        return {"slots": [_slot_json(slot, store.now) for slot in slots]}


@router.get("/{slot}")
async def get_slot(device_id: str, slot: str, kit: KitDep, principal: PrincipalDep) -> dict[str, Any]:
    async with kit.read() as store:
        found = await _owned_slot(device_id, slot, principal, store)
        return _slot_json(found, store.now)


@router.get("/{slot}/history")
async def list_days(  # noqa: PLR0913, PLR0917  path and query parameters
    device_id: str,
    slot: str,
    kit: KitDep,
    principal: PrincipalDep,
    first: Annotated[date | None, Query(alias="from")] = None,
    last: Annotated[date | None, Query(alias="to")] = None,
    limit: Annotated[int, Query(ge=1, le=400)] = 100,
    cursor: date | None = None,
) -> dict[str, Any]:
    """List use and final level of each day (UTC) that had a report, oldest first.

    The last day may be incomplete. `next` is the cursor of the following page.
    """
    async with kit.read() as store:
        found = await _owned_slot(device_id, slot, principal, store)
        start = max(_day_number(first or FIRST_DAY), _day_number(cursor or FIRST_DAY))
        end = _day_number(last or date.max)
        filed = [day for day in await store.list_filed_days(device_id, slot, start, limit + 1) if day.day >= start]
    days = filed if len(filed) > limit else [*filed, *found.days_so_far()]
    wanted = [day for day in days if start <= day.day <= end]
    page, beyond = wanted[:limit], wanted[limit:]
    return {
        **_place(found),
        "days": [_day_json(day, found) for day in page],
        "next": _date(beyond[0].day) if beyond else None,
    }


async def _owned_slots(device_id: str, principal: Principal, store: Store) -> list[Slot]:
    """Return the slots; raises ProblemError 404 if the device is unknown or belongs to another customer."""
    device = await store.find_device(device_id)
    if device is None or device.end_reason is not None or not _may_see(principal, device.customer_id):
        # The response to a customer is the same for every id, so that ids of others cannot be probed.
        is_staff = principal.role in {"operator", "service"}
        raise ProblemError(
            404,
            "not_found",
            "Device not found",
            field="path.device_id",
            problem="there is no registered device " + ("{device_id}" if is_staff else "with this id for the customer"),
            remedy="GET /v1/customers/{customer_id}/devices of the portal lists the devices of a customer",
        )
    return await store.list_slots(device_id)


async def _owned_slot(device_id: str, name: str, principal: Principal, store: Store) -> Slot:
    slots = await _owned_slots(device_id, principal, store)
    for slot in slots:
        if slot.slot == name:
            return slot
    remedy = f"the slots of this device are {', '.join(slot.slot for slot in slots[:MOST_NAMES]) or 'not known yet'}"
    raise ProblemError.of_missing("not_found", "Slot not found", "slot", "slot", remedy)


def _may_see(principal: Principal, customer_id: str | None) -> bool:
    return principal.role in ("operator", "service") or principal.customer_id == customer_id


def _place(slot: Slot) -> dict[str, Any]:
    return {
        "device_id": slot.device_id,
        "slot": slot.slot,
        "product_id": slot.spec.product_id,
        "unit": slot.spec.unit,
        "scale": slot.spec.scale,
    }


def _slot_json(slot: Slot, now: datetime) -> dict[str, Any]:
    scale, runs_out = slot.spec.scale, slot.run_out_after(slot.rate.until)
    return _place(slot) | {
        "name": slot.spec.name,
        "level_steps": slot.held,
        "level": format_quantity(slot.held, scale),
        "capacity_steps": slot.spec.capacity,
        "capacity": format_quantity(slot.spec.capacity, scale),
        "uncertainty_steps": round(slot.uncertainty_at(to_unix(now)), 3),
        "rate_per_day": _decimal(slot.rate.per_day, scale),
        "rate_prior_share": round(slot.rate.prior_share, 3),
        "run_out_at": from_unix(runs_out) if runs_out is not None else None,
        "last_report_at": from_unix(slot.received_at),
        "state": slot.state,
        "pending": _pending_json(slot),
        "loading": slot.spec.loading,
        "fill": slot.spec.fill,
        "books": _books_json(slot),
    }


def _pending_json(slot: Slot) -> dict[str, Any] | None:
    """Return the sensor's reading that waits for a second one; it counts at `counts_at` without one."""
    pending = slot.pending
    if pending is None:
        return None
    return {
        "level_steps": pending.level,
        "level": format_quantity(pending.level, slot.spec.scale),
        "occurred_at": from_unix(pending.used_at),
        "received_at": from_unix(pending.received_at),
        "counts_at": from_unix(pending.due_at),
    }


def _books_json(slot: Slot) -> dict[str, Any]:
    """Return the books in steps; the level is opening + received - used + unexplained."""
    return {
        "opening_steps": slot.books.opening,
        "received_steps": slot.books.received,
        "used_steps": slot.books.used,
        "unexplained_steps": slot.unexplained,
        "duplicate_reports": slot.duplicates,
        "last_boot": slot.boot,
        "last_seq": slot.last_seq,
    }


def _day_json(day: UsedDay, slot: Slot) -> dict[str, Any]:
    held, scale = max(0, day.level), slot.spec.scale
    return {
        "day": _date(day.day),
        "used_steps": day.used,
        "used": format_quantity(day.used, scale),
        "level_steps": held,
        "level": format_quantity(held, scale),
    }


def _decimal(steps: float, scale: int) -> str:
    """Format an estimate in the slot's unit, with four more digits than its steps have."""
    return format_quantity(round(steps * 10**4), scale + 4)


def _day_number(day: date) -> int:
    return (day - FIRST_DAY).days


def _date(day: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)).date().isoformat()
