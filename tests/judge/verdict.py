"""Result of the checks: anomalies with their place, and figures."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

#: Kinds of anomalies, with Jepsen's names if it has one.
LOST = "lost"  # accepted, but without effect
DOUBLED = "doubled"  # one cause, two effects
PHANTOM = "phantom"  # an effect without a cause, or of a refused cause
DIFFERS = "differs"  # the value is not the sent or computed one
UNBALANCED = "unbalanced"  # the ledger differs from its own entries or from the goods that moved
FORBIDDEN = "forbidden"  # an invalid transition, such as shipping a refused order
UNFINISHED = "unfinished"  # not completed within the time to settle


@dataclass(frozen=True)
class Anomaly:
    """One anomaly; `stopped_at` is the last place where a lost event was seen."""

    kind: str
    where: str
    what: str
    stopped_at: str = ""
    #: Number of events concerned.
    count: int = 1

    def __str__(self) -> str:
        stopped = f" [stopped at: {self.stopped_at}]" if self.stopped_at else ""
        return f"{self.kind}: {self.where}: {self.what}{stopped}"


@dataclass
class Findings:
    """Anomalies and figures of one check."""

    anomalies: list[Anomaly] = field(default_factory=list)
    figures: Counter[str] = field(default_factory=Counter)

    def note(self, kind: str, where: str, what: str, *, stopped_at: str = "", count: int = 1) -> None:
        self.anomalies.append(Anomaly(kind, where, what, stopped_at, count))


@dataclass(frozen=True)
class Verdict:
    """Combined result of all checks; green means no anomaly."""

    anomalies: tuple[Anomaly, ...]
    figures: dict[str, int]

    @classmethod
    def of(cls, findings: Iterable[Findings]) -> "Verdict":
        anomalies: list[Anomaly] = []
        figures: Counter[str] = Counter()
        for found in findings:
            anomalies += found.anomalies
            figures.update(found.figures)
        return cls(tuple(anomalies), dict(figures))

    @property
    def green(self) -> bool:
        return not self.anomalies

    @property
    def lost(self) -> int:
        return sum(one.count for one in self.anomalies if one.kind == LOST)

    @property
    def doubled(self) -> int:
        return sum(one.count for one in self.anomalies if one.kind == DOUBLED)

    @property
    def books_balanced(self) -> bool:
        return not any(one.kind == UNBALANCED for one in self.anomalies)

    def as_json(self) -> dict[str, Any]:
        kinds = Counter(one.kind for one in self.anomalies)
        return {
            "green": self.green,
            "lost": self.lost,
            "doubled": self.doubled,
            "books_balanced": self.books_balanced,
            "anomalies_by_kind": dict(kinds),
            "figures": self.figures,
            "anomalies": [vars(one) for one in self.anomalies],
        }
