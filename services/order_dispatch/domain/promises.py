"""Promised deliveries: a time, or a date, which ends where the customer lives."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from services.order_dispatch.domain.order import Order
from services.order_dispatch.domain.timeouts import Timeouts, schedule_check

#: Assumed for a customer whose settings are not known yet; portal's default.
DEFAULT_ZONE = "UTC"
_MOMENT = timedelta(microseconds=1)


class Promise(NamedTuple):
    """When goods are expected; the end of `day` if the provider named no time."""

    at: datetime
    day: date | None = None


def promise_fields(promise: datetime | date | None) -> dict[str, Any]:
    """Return `expected_at` or `expected_date` of an answer; the other one is None."""
    is_time = isinstance(promise, datetime)
    return {"expected_at": promise if is_time else None, "expected_date": None if is_time else promise}


def latest_promise(promises: Iterable[datetime | date]) -> datetime | date | None:
    """Return the latest of several, None if there is none; of a date and a time on it, the date."""
    return max(promises, key=_sort_key, default=None)


def _sort_key(promise: datetime | date) -> tuple[datetime, bool]:
    # The zone is unknown here, and a delivery in several parcels names each date in the same way.
    is_time = isinstance(promise, datetime)
    return (promise if isinstance(promise, datetime) else datetime.combine(promise, time.max, UTC)), not is_time


def end_of_day(day: date, time_zone: str) -> datetime | None:
    """Return the last microsecond of a date in a time zone, in UTC; None outside the years 1 to 9999.

    The next date begins at its first midnight, or after the clocks went forward over it.
    """
    zone = zone_of(time_zone)
    try:
        begins = [datetime.combine(day + timedelta(days=1), time.min, zone).replace(fold=fold) for fold in (0, 1)]
        # In a gap the earlier offset (fold 0) gives the end of the gap's day; of a repeated midnight the second counts.
        return max(begin.astimezone(UTC) for begin in begins) - _MOMENT
    except OverflowError:
        return None


def follow_zone(order: Order, time_zone: str, timeouts: Timeouts, at: datetime) -> Order:
    """Move the ends of promised dates to the customer's new time zone; the dates themselves stay."""
    ends = {
        line.expected_at: end_of_day(line.expected_date, time_zone)
        for line in order.open_lines
        if line.expected_at is not None and line.expected_date is not None
    }
    dated = [line for line in order.open_lines if line.expected_date is not None]
    moved = order.with_lines(replace(line, expected_at=_moved(line.expected_at, ends)) for line in dated)
    times = [line.expected_at for line in moved.open_lines if line.expected_at is not None]
    moved = replace(moved, expected_at=max(times, default=None), promised_at=_moved(order.promised_at, ends))
    return schedule_check(moved, timeouts, at) if order.check_at in ends else moved


def _moved(at: datetime | None, ends: Mapping[datetime, datetime | None]) -> datetime | None:
    return at if at is None else ends.get(at) or at


@cache
def zone_of(name: str) -> ZoneInfo:
    """Return the time zone with this name, or UTC if this system has none."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return ZoneInfo("UTC")
