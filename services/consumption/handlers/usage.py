"""The hot path: what devices and people report about slots."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from libs.contracts.catalogue import Event
from libs.kit import Record
from services.consumption.domain import said
from services.consumption.domain.report import (
    LARGEST_REPORT,
    MOST_ASKEW_SECONDS,
    OLDEST_USE_SECONDS,
    moment_of_receipt,
    moment_of_use,
    seconds,
)
from services.consumption.handlers.reports import Waiting, hear_all
from services.consumption.store import Place, Store, Taken, Uses

#: Registrations of which there was none before.
FIRST = frozenset({None, 1})


class Parted(NamedTuple):
    """A batch made ready for its statement: each slot's first report where that is a counted use, and all others."""

    nexts: Mapping[Place, Record]
    uses: Uses
    rest: Mapping[Place, Sequence[Record]]


def part(records: Iterable[Record]) -> Parted:
    """Make a batch ready; the kit does it while Postgres writes the batch before."""
    nexts, rest = _parted(records)
    return Parted(nexts, _uses(nexts), rest)


async def on_usage(records: Sequence[Record], store: Store, parted: Parted | None = None) -> list[Event]:
    """Apply a batch: what comes in order in one statement, whatever else one slot at a time."""
    nexts, uses, waiting = parted or part(records)
    rest = {place: list(left) for place, left in waiting.items()}
    events = await _take(nexts, uses, rest, store)
    again = {place: left[0] for place, left in rest.items() if place in nexts and len(left) == 1 and _is_use(left[0])}
    if again:
        for place in again:
            del rest[place]
        events += await _take(again, _uses(again), rest, store)
    if rest:
        events += await hear_all(rest, store)
    return events


def _parted(records: Iterable[Record]) -> tuple[dict[Place, Record], Waiting]:
    """Return each slot's first report, where that is a counted use, and all other reports in their order."""
    nexts: dict[Place, Record] = {}
    rest: Waiting = {}
    for record in records:
        data = record.data
        place = (data.device_id, data.slot)
        if place in rest:
            rest[place].append(record)
        elif place in nexts or not _is_use(record):
            rest[place] = [record]
        else:
            nexts[place] = record
    return nexts, rest


def _is_use(record: Record) -> bool:
    """Tell whether the statement may take it; it does not know registrations, and few devices have a second one."""
    data = record.data
    counted = record.type == "SlotUsed" and data.seq is not None and data.boot is not None
    return counted and data.quantity <= LARGEST_REPORT and data.registration in FIRST


async def _take(nexts: Mapping[Place, Record], uses: Uses, rest: Waiting, store: Store) -> list[Event]:
    """Apply the uses that are in order; the others join the rest, in front of what came after them."""
    if not nexts:
        return []
    uses = _in_time(uses, seconds(store.now))
    taken = await store.take_uses(uses)
    if len(taken.applied) < len(nexts):
        for n in set(range(len(nexts))).difference(taken.applied):
            place = uses.place(n)
            rest.setdefault(place, []).insert(0, nexts[place])
    if not (taken.crossed or taken.followed):
        return []
    return await _tell(taken, uses, nexts, store)


async def _tell(taken: Taken, uses: Uses, nexts: Mapping[Place, Record], store: Store) -> list[Event]:
    """Return what the applied uses say, and note which triggers are answered by it."""
    crossed, followed = set(taken.crossed), set(taken.followed)
    telling = {n: uses.place(n) for n in sorted(crossed | followed)}
    slots = await store.answer(list(telling.values()), [n in crossed for n in telling])
    told = ((followed, said.level_changed), (crossed, said.crossed))
    return [
        store.because(say(slots[place], uses.heard_at[n]), nexts[place])
        for n, place in telling.items()
        for which, say in told
        if n in which
    ]


def _in_time(uses: Uses, now: float) -> Uses:
    """Return the uses with times that can be; nearly always all can, and two looks over a column tell."""
    if now - MOST_ASKEW_SECONDS <= min(uses.heard_at) and max(uses.heard_at) <= now + MOST_ASKEW_SECONDS:
        return uses
    heard_at = [moment_of_receipt(heard, now) for heard in uses.heard_at]
    used_at = [moment_of_use(at, heard) for at, heard in zip(uses.used_at, heard_at, strict=True)]
    return uses._replace(used_at=used_at, heard_at=heard_at)


def _uses(nexts: Mapping[Place, Record]) -> Uses:
    """Return what the statement takes, by column; no calls of ours, for this runs for every report."""
    places = sorted(nexts)
    reports = [nexts[place].data for place in places]
    heard_at = [report.received_at.timestamp() for report in reports]
    used_at = [
        at if heard - OLDEST_USE_SECONDS <= at <= heard else moment_of_use(at, heard)
        for at, heard in zip([report.at.timestamp() for report in reports], heard_at, strict=True)
    ]
    return Uses(
        [place[0] for place in places],
        [place[1] for place in places],
        [report.boot for report in reports],
        [report.seq for report in reports],
        [report.quantity for report in reports],
        used_at,
        heard_at,
    )
