"""The beginning of a batch's transaction: cursors moved, and what its handlers are not for parted from it."""

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from libs.kit import cursors, trouble
from libs.kit.advance import Decoded, advance, check_joint
from libs.kit.cursors import Cursor, Place
from libs.kit.database import Connection
from libs.kit.metrics import RECORDS_REPEATED, RECORDS_SKIPPED
from libs.kit.records import Record, Undecodable


class Begun(NamedTuple):
    """What of a batch was not applied before, where the cursors are after it, and whether anything is held."""

    fresh: list[Decoded]
    moved: dict[Place, Cursor]
    any_held: bool


async def begin(
    connection: Connection, records: Sequence[Decoded], starts: dict[Place, int], known: dict[Place, Cursor]
) -> Begun:
    """Drop what was applied before and move the cursors over the rest; those not known are locked and read.

    Raises `Moved` or `Lost` where the known ones are not where they are known to be, and `Lost` where
    records are missing.
    """
    runs = {place: list(run) for place, run in groupby(records, key=_place)}
    if runs.keys() <= known.keys():
        known = {place: known[place] for place in runs}
    else:
        known = await cursors.lock_cursors(connection, runs)
    check_joint(known, starts)
    fresh: list[Decoded] = []
    moved: dict[Place, Cursor] = {}
    for place, run in runs.items():
        new, moved[place] = advance(known[place], run)
        fresh.extend(new)
        if len(new) < len(run):
            RECORDS_REPEATED.labels(place[0]).inc(len(run) - len(new))
    any_held = moved != known and await cursors.save_cursors(connection, known, moved)
    return Begun(fresh, moved, any_held)


async def part_usable(connection: Connection, begun: Begun) -> list[Record]:
    """Park what cannot be decoded, hold what waits behind another of its key, and return the rest."""
    usable = [record for record in begun.fresh if isinstance(record, Record)]
    if len(usable) < len(begun.fresh):
        odd = [record for record in begun.fresh if isinstance(record, Undecodable)]
        await trouble.park(connection, [(record, record.reason) for record in odd if not record.skip])
        for record in odd:
            if record.skip:
                RECORDS_SKIPPED.labels(record.topic).inc()
    if not usable or not begun.any_held:
        return usable
    waiting = await trouble.find_waiting_keys(connection, usable)
    behind = [record for record in usable if (record.topic, record.key) in waiting]
    await trouble.hold(connection, [(record, trouble.BEHIND, None) for record in behind])
    return [record for record in usable if (record.topic, record.key) not in waiting]


_place = attrgetter("topic", "partition")
