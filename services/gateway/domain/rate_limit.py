"""Token buckets that limit the rate of each sender; times are monotonic seconds."""

from collections import OrderedDict
from typing import NamedTuple


class RateLimit(NamedTuple):
    """Sustained rate and burst."""

    per_second: float
    burst: int


class Bucket(NamedTuple):
    """Tokens left at a time."""

    tokens: float
    at: float


def take(bucket: Bucket, amount: float, at: float, limit: RateLimit) -> tuple[Bucket, float]:
    """Take tokens: return the new bucket and 0.0, or the bucket with all its tokens and the seconds to wait."""
    tokens = min(limit.burst, bucket.tokens + (at - bucket.at) * limit.per_second)
    if amount <= tokens:
        return Bucket(tokens - amount, at), 0.0
    return Bucket(tokens, at), (amount - tokens) / limit.per_second


class RateLimiter:
    """One bucket per sender; beyond `max_senders` the least recently used bucket is dropped.

    A dropped bucket is full when its sender returns. That is harmless as long as `max_senders` exceeds the number
    of senders within the time that a bucket takes to refill.
    """

    def __init__(self, limit: RateLimit, max_senders: int) -> None:
        self._limit = limit
        self._max_senders = max_senders
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def wait(self, sender: str, at: float) -> float:
        """Return the seconds until one token is available, without taking it; 0.0 if it is available now."""
        bucket = self._buckets.get(sender)
        return 0.0 if bucket is None else take(bucket, 1, at, self._limit)[1]

    def take(self, sender: str, amount: float, at: float) -> float:
        """Take tokens and return 0.0; if there are too few, take none and return the seconds to wait."""
        before = self._buckets.get(sender) or Bucket(self._limit.burst, at)
        after, wait = take(before, amount, at, self._limit)
        self._buckets[sender] = after
        self._buckets.move_to_end(sender)
        if len(self._buckets) > self._max_senders:
            self._buckets.popitem(last=False)
        return wait
