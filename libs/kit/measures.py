"""What a service reads of its tables now and then, for its operators: gauges with their meanings."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from prometheus_client import Gauge

Reading = float | Mapping[str, float]


class Measure:
    """A gauge that `read` takes from the database; with a `label`, one value for each of its words."""

    def __init__(
        self, name: str, meaning: str, read: Callable[[Any], Awaitable[Reading]], *, label: str | None = None
    ) -> None:
        """Enter the gauge among the process's metrics; so make each measure once, in a module."""
        self._gauge = Gauge(name, meaning, [label] if label else [])
        self._read = read
        self._words: set[str] = set()

    async def take(self, store: Any) -> None:
        """Read and show it; a word that was there before and is not any more is 0, not forgotten."""
        found = await self._read(store)
        if not isinstance(found, Mapping):
            self._gauge.set(found)
            return
        self._words |= set(found)
        for word in self._words:
            self._gauge.labels(word).set(found.get(word, 0))
