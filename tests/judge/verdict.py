"""What the judge says: every anomaly with its place, and the figures that were counted on the way."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

#: Jepsen's names where they have one. Each makes the verdict red.
LOST = "lost"  # accepted, and no effect
DOUBLED = "doubled"  # one cause, two effects
PHANTOM = "phantom"  # an effect without a cause, or of something refused
DIFFERS = "differs"  # the value is not what was sent or what follows from it
UNBALANCED = "unbalanced"  # the ledger contradicts itself or the goods that moved
FORBIDDEN = "forbidden"  # a step the rules do not know: a second open order, a shipped refusal
UNFINISHED = "unfinished"  # still on its way although everything was given time to settle


@dataclass(frozen=True)
class Anomaly:
    """One thing that should not be; `stopped_at` says how far a lost thing got."""

    kind: str
    where: str
    what: str
    stopped_at: str = ""
    #: How many events are concerned.
    count: int = 1

    def __str__(self) -> str:
        stopped = f" [stopped at: {self.stopped_at}]" if self.stopped_at else ""
        return f"{self.kind}: {self.where}: {self.what}{stopped}"


@dataclass
class Findings:
    """What one judging function found and counted."""

    anomalies: list[Anomaly] = field(default_factory=list)
    figures: Counter[str] = field(default_factory=Counter)

    def note(self, kind: str, where: str, what: str, *, stopped_at: str = "", count: int = 1) -> None:
        self.anomalies.append(Anomaly(kind, where, what, stopped_at, count))


@dataclass(frozen=True)
class Verdict:
    """The judge's answer; green means that nothing was found anywhere."""

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
