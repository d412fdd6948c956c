"""Reconciles published sequences in the database with the end of the log, before the relay appends to it."""

import logging
from collections.abc import Iterable

from libs.kit import relay_sql
from libs.kit.database import Connection
from libs.kit.errors import RecordLossError
from libs.kit.metrics import RELAY_RESENT
from libs.kit.relay_sql import Counter
from libs.kit.tail import LAST_RECORDS_AFTER_REPEATS, Tail, find_tails
from replenish_contracts.topics import partition_count

LOG = logging.getLogger(__name__)


async def compare(connection: Connection, kafka_url: str, topics: Iterable[str]) -> None:
    """Set `published` of each partition to the highest sequence in the log.

    A tail that the log lost is thereby sent again, and an acknowledgement that was not recorded is not repeated.
    Raises RecordLossError if log and outbox contradict each other: one of them was restored or emptied, or the log lost
    events that the outbox no longer keeps.
    """
    known = {counter.place: counter for counter in await relay_sql.list_counters(connection)}
    places = [(topic, partition) for topic in topics for partition in range(partition_count(topic))]
    counters = [known.get(place) or Counter(*place, sequence=0, published=0) for place in places]
    tails = await find_tails(kafka_url, places)
    short = [counter.place for counter in counters if _is_short(tails.get(counter.place), counter)]
    tails |= await find_tails(kafka_url, short, LAST_RECORDS_AFTER_REPEATS)
    for counter in counters:
        tail = tails.get(counter.place)
        if tail is not None and tail.sequence != counter.published:
            await _reconcile(connection, counter, tail)


def _is_short(tail: Tail | None, counter: Counter) -> bool:
    return tail is not None and tail.sequence < counter.published


async def _reconcile(connection: Connection, counter: Counter, tail: Tail) -> None:
    name = f"{counter.topic}/{counter.partition}"
    if tail.sequence > counter.sequence:
        raise RecordLossError(f"{name}: the log has sequence {tail.sequence}, the database only {counter.sequence}")
    if tail.sequence > counter.published:
        stored_value = await relay_sql.find_said(connection, counter.place, tail.sequence)
        if stored_value != tail.value:
            raise RecordLossError(
                f"{name}: sequence {tail.sequence} differs between log and outbox: was the database restored?"
            )
    else:
        if await relay_sql.find_said(connection, counter.place, tail.sequence + 1) is None:
            raise RecordLossError(
                f"{name}: the log ends at {tail.sequence} and the events after it are no longer in the outbox"
            )
        LOG.error("log lost its tail; publishing it again", extra={"place": name, "from": tail.sequence + 1})
        RELAY_RESENT.inc(counter.published - tail.sequence)
    await relay_sql.set_published(connection, {counter.place: tail.sequence}, forward_only=False)
