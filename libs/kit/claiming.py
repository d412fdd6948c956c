"""First steps of a batch's transaction: move the checkpoints, then set aside records that cannot be handled."""

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from libs.kit import checkpoints, trouble
from libs.kit.advance import Decoded, advance, check_joint
from libs.kit.checkpoints import Checkpoint, Place
from libs.kit.database import Connection
from libs.kit.metrics import RECORDS_REPEATED, RECORDS_SKIPPED
from libs.kit.records import Record, Undecodable


class ClaimedBatch(NamedTuple):
    """A batch without repetitions, the checkpoints after it, and whether the service has any deferred record."""

    fresh: list[Decoded]
    moved: dict[Place, Checkpoint]
    any_held: bool


async def claim_batch(
    connection: Connection, records: Sequence[Decoded], starts: dict[Place, int], known: dict[Place, Checkpoint]
) -> ClaimedBatch:
    """Drop records that were applied before and move the checkpoints past the rest.

    Checkpoints that are not in `known` are locked and read first. Raises `CheckpointMovedError` or
    `RecordLossError` if a known checkpoint
    differs from the stored one, and `RecordLossError` if records are missing.
    """
    runs = {place: list(run) for place, run in groupby(records, key=_place)}
    if runs.keys() <= known.keys():
        known = {place: known[place] for place in runs}
    else:
        known = await checkpoints.lock_checkpoints(connection, runs)
    check_joint(known, starts)
    fresh: list[Decoded] = []
    moved: dict[Place, Checkpoint] = {}
    for place, run in runs.items():
        new, moved[place] = advance(known[place], run)
        fresh.extend(new)
        if len(new) < len(run):
            RECORDS_REPEATED.labels(place[0]).inc(len(run) - len(new))
    any_held = moved != known and await checkpoints.save_checkpoints(connection, known, moved)
    return ClaimedBatch(fresh, moved, any_held)


async def split_unprocessable(connection: Connection, claimed: ClaimedBatch) -> list[Record]:
    """Return the records to handle; store undecodable ones as dead letters and defer those behind a deferred record."""
    usable = [record for record in claimed.fresh if isinstance(record, Record)]
    if len(usable) < len(claimed.fresh):
        undecodable = [record for record in claimed.fresh if isinstance(record, Undecodable)]
        await trouble.park(connection, [(record, record.reason) for record in undecodable if not record.skip])
        for record in undecodable:
            if record.skip:
                RECORDS_SKIPPED.labels(record.topic).inc()
    if not usable or not claimed.any_held:
        return usable
    waiting = await trouble.find_waiting_keys(connection, usable)
    behind = [record for record in usable if (record.topic, record.key) in waiting]
    await trouble.hold(connection, [(record, trouble.BEHIND, None) for record in behind])
    return [record for record in usable if (record.topic, record.key) not in waiting]


_place = attrgetter("topic", "partition")
