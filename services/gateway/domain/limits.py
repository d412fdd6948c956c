"""Token buckets: how much one sender may ask for, in monotonic time."""

from collections import OrderedDict
from typing import NamedTuple


class Limit(NamedTuple):
    """So many a second for ever, and so many at once after a rest."""

    per_second: float
    burst: int


class Bucket(NamedTuple):
    """What was left at a moment."""

    tokens: float
    at: float


def take(bucket: Bucket, amount: float, at: float, limit: Limit) -> tuple[Bucket, float]:
    """Return the bucket after taking, and 0.0; or the bucket untouched, and the seconds until it would do."""
    tokens = min(limit.burst, bucket.tokens + (at - bucket.at) * limit.per_second)
    if amount <= tokens:
        return Bucket(tokens - amount, at), 0.0
    return Bucket(tokens, at), (amount - tokens) / limit.per_second


class Buckets:
    """One bucket for each sender, the least recently used ones forgotten.

    Forgetting fills a bucket, which is harmless as long as there is room for everybody who sends
    within the time a bucket takes to fill.
    """

    def __init__(self, limit: Limit, room: int) -> None:
        self._limit = limit
        self._room = room
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def wait(self, sender: str, at: float) -> float:
        """Return the seconds until a sender may ask for one again; 0.0 if it may now."""
        bucket = self._buckets.get(sender)
        return 0.0 if bucket is None else take(bucket, 1, at, self._limit)[1]

    def take(self, sender: str, amount: float, at: float) -> float:
        """Take from a sender's bucket; return 0.0, or the seconds to wait when nothing was taken."""
        before = self._buckets.get(sender) or Bucket(self._limit.burst, at)
        after, wait = take(before, amount, at, self._limit)
        self._buckets[sender] = after
        self._buckets.move_to_end(sender)
        if len(self._buckets) > self._room:
            self._buckets.popitem(last=False)
        return wait
