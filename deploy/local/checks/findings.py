"""What a check found: what is wrong, what somebody should look at, and what was counted."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Finding:
    """One difference: the rule it breaks, the row or record, and the values that differ."""

    rule: str
    subject: str
    problem: str


@dataclass
class Findings:
    """Everything one run found; `wrong` empty means that all invariants hold."""

    wrong: list[Finding] = field(default_factory=list)
    #: Legal, but waiting for somebody: held and parked records, unknown outcomes.
    notes: list[Finding] = field(default_factory=list)
    figures: dict[str, int] = field(default_factory=dict)

    def differ(self, rule: str, subject: str, problem: str) -> None:
        self.wrong.append(Finding(rule, subject, problem))

    def note(self, rule: str, subject: str, problem: str) -> None:
        self.notes.append(Finding(rule, subject, problem))

    def count(self, name: str, number: int) -> None:
        self.figures[name] = self.figures.get(name, 0) + number

    def add(self, others: "Findings") -> None:
        """Take over what another part found."""
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
