"""The hot path: what devices and people report about slots."""

from collections.abc import Iterable, Mapping, Sequence

from libs.contracts.catalogue import Event
from libs.kit import Record
from services.consumption.domain import said
from services.consumption.domain.report import LARGEST_REPORT, OLDEST_USE_SECONDS, moment_of_use
from services.consumption.handlers.reports import Waiting, hear_all
from services.consumption.store import Place, Store, Taken, Use


async def on_usage(records: Sequence[Record], store: Store) -> list[Event]:
    """Apply a batch: what comes in order in one statement, whatever else one slot at a time."""
    nexts, rest = _parted(records)
    events = await _take(nexts, rest, store)
    again = {place: left[0] for place, left in rest.items() if place in nexts and len(left) == 1 and _is_use(left[0])}
    if again:
        for place in again:
            del rest[place]
        events += await _take(again, rest, store)
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
    data = record.data
    return (
        record.type == "SlotUsed" and data.seq is not None and data.boot is not None and data.quantity <= LARGEST_REPORT
    )


async def _take(nexts: Mapping[Place, Record], rest: Waiting, store: Store) -> list[Event]:
    """Apply the uses that are in order; the others join the rest, in front of what came after them."""
    if not nexts:
        return []
    uses = sorted(_uses(nexts))
    taken = await store.take_uses(uses)
    if len(taken.applied) < len(uses):
        for n in set(range(len(uses))).difference(taken.applied):
            place = uses[n][:2]
            rest.setdefault(place, []).insert(0, nexts[place])
    if not (taken.crossed or taken.followed):
        return []
    return await _tell(taken, uses, nexts, store)


async def _tell(taken: Taken, uses: Sequence[Use], nexts: Mapping[Place, Record], store: Store) -> list[Event]:
    """Return what the applied uses say, and note which triggers are answered by it."""
    crossed, followed = set(taken.crossed), set(taken.followed)
    telling = {n: uses[n][:2] for n in sorted(crossed | followed)}
    slots = await store.answer(list(telling.values()), [n in crossed for n in telling])
    told = ((followed, said.level_changed), (crossed, said.crossed))
    return [
        store.because(say(slots[place], uses[n][-1]), nexts[place])
        for n, place in telling.items()
        for which, say in told
        if n in which
    ]


def _uses(nexts: Mapping[Place, Record]) -> list[Use]:
    """Return what the statement takes; plain tuples and no calls, for this runs for every report."""
    uses = []
    for (device_id, slot), record in nexts.items():
        data = record.data
        heard_at, used_at = data.received_at.timestamp(), data.at.timestamp()
        if not heard_at - OLDEST_USE_SECONDS <= used_at <= heard_at:
            used_at = moment_of_use(used_at, heard_at)
        uses.append((device_id, slot, data.boot, data.seq, data.quantity, used_at, heard_at))
    return uses
