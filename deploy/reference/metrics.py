"""Table of all metrics for the README."""

from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import REGISTRY

from libs.kit import metrics  # noqa: F401  # enters the kit's into the registry


def table(services: Iterable[str]) -> str:
    """Return a Markdown table of the metrics of the kit and these services; their modules must be imported."""
    owners = ("kit", *services)
    rows = sorted((_rank(name, owners), name, kind, meaning) for name, kind, meaning in _metrics(owners))
    return "\n".join(
        ["| metric | kind | meaning |", "| --- | --- | --- |"]
        + [f"| `{name}` | {kind} | {meaning} |" for _, name, kind, meaning in rows]
    )


def _rank(name: str, owners: Sequence[str]) -> int:
    return next(rank for rank, owner in enumerate(owners) if name.startswith(f"{owner}_"))


def _metrics(owners: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    for metric in REGISTRY.collect():
        if metric.name.startswith(tuple(f"{owner}_" for owner in owners)):
            yield metric.name + ("_total" if metric.type == "counter" else ""), metric.type, metric.documentation
