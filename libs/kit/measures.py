"""Gauges that services read from their tables at intervals."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from prometheus_client import Gauge

Reading = float | Mapping[str, float]


class Measure:
    """A gauge whose value `read` takes from the database; with a `label`, one value per label value."""

    def __init__(
        self, name: str, meaning: str, read: Callable[[Any], Awaitable[Reading]], *, label: str | None = None
    ) -> None:
        """Register the gauge in the process's metrics: create each measure once, at module level."""
        self._gauge = Gauge(name, meaning, [label] if label else [])
        self._read = read
        self._label_values: set[str] = set()

    async def take(self, store: Any) -> None:
        """Update the gauge; label values that disappeared are set to 0."""
        found = await self._read(store)
        if not isinstance(found, Mapping):
            self._gauge.set(found)
            return
        self._label_values |= set(found)
        for label_value in self._label_values:
            self._gauge.labels(label_value).set(found.get(label_value, 0))
