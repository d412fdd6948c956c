"""Rate limit for failed sign-in attempts."""

from collections import OrderedDict, deque

MAX_CLIENTS = 10_000  # bounds memory; the longest without a failure is dropped first


class Attempts:
    """Failures of the last 60 s per client; times are monotonic seconds."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()

    def seconds_to_wait(self, client: str, now: float) -> float:
        """Return the seconds until the client may try again; 0.0 if it may now."""
        failures = self._failures.get(client)
        while failures and failures[0] <= now - 60:
            failures.popleft()
        if not failures or len(failures) < self._per_minute:
            return 0.0
        return failures[0] + 60 - now

    def record_failure(self, client: str, now: float) -> None:
        self._failures.setdefault(client, deque(maxlen=self._per_minute)).append(now)
        self._failures.move_to_end(client)
        if len(self._failures) > MAX_CLIENTS:
            self._failures.popitem(last=False)
