"""Result of a check: violations, notes for an operator, and counts."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Finding:
    """One violation: the rule, the row or record, and the differing values."""

    rule: str
    subject: str
    problem: str


@dataclass
class Findings:
    """Result of one run; all invariants hold if `wrong` is empty."""

    wrong: list[Finding] = field(default_factory=list)
    #: Legal, but may need an operator: deferred records, dead letters, unknown outcomes.
    notes: list[Finding] = field(default_factory=list)
    figures: dict[str, int] = field(default_factory=dict)

    def differ(self, rule: str, subject: str, problem: str) -> None:
        self.wrong.append(Finding(rule, subject, problem))

    def note(self, rule: str, subject: str, problem: str) -> None:
        self.notes.append(Finding(rule, subject, problem))

    def count(self, name: str, number: int) -> None:
        self.figures[name] = self.figures.get(name, 0) + number

    def add(self, others: "Findings") -> None:
        """Merge the result of another part."""
        self.wrong += others.wrong
        self.notes += others.notes
        for name, number in others.figures.items():
            self.count(name, number)

    def as_json(self) -> dict[str, Any]:
        return {
            "ok": not self.wrong,
            "wrong": [vars(one) for one in self.wrong],
            "notes": [vars(one) for one in self.notes],
            "figures": self.figures,
        }
