"""How often somebody may be wrong."""

from collections import OrderedDict, deque

ROOM = 10_000


class Attempts:
    """Counts failures of the last minute by who tried what, in monotonic seconds."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()

    def wait(self, who: str, at: float) -> float:
        """Return the seconds until they may try again; 0.0 if it may now."""
        failures = self._failures.get(who)
        while failures and failures[0] <= at - 60:
            failures.popleft()
        if not failures or len(failures) < self._per_minute:
            return 0.0
        return failures[0] + 60 - at

    def fail(self, who: str, at: float) -> None:
        """Note a failure."""
        self._failures.setdefault(who, deque(maxlen=self._per_minute)).append(at)
        self._failures.move_to_end(who)
        if len(self._failures) > ROOM:
            self._failures.popitem(last=False)
