"""A reference computation of the level: sort the reports, then sum them; independent of the service's algorithm."""

from dataclasses import dataclass, field
from typing import NamedTuple

from services.consumption.domain.report import ReadingKind, Report


class Sums(NamedTuple):
    level: int
    received: int
    used_total: int
    unreported: int
    unexplained: int
    corrected: int
    #: Goods that a slot loaded by hand must have received, because they were used.
    inferred: int


@dataclass
class Ledger:
    """One slot's reports by position: boots by first receipt, then seq; uncounted ones by receipt."""

    opening: int
    #: Content of a new cartridge, for slots whose cartridges are replaced.
    cartridge: int = 0
    placed: dict[tuple[int, int, int], Report] = field(default_factory=dict)
    boots: dict[str | None, int] = field(default_factory=dict)
    newest: tuple[int, int] = (0, 0)
    receipts: int = 0

    def hear(self, report: Report) -> bool:
        """Add a report; return False for a duplicate."""
        self.receipts += 1
        if report.seq is None:
            self.placed[*self.newest, self.receipts] = report
            return True
        number = self.boots.setdefault(report.boot, len(self.boots) + 1)
        place = (number, report.seq, 0)
        if place in self.placed:
            return False
        self.placed[place] = report
        self.newest = max(self.newest, place[:2])
        return True

    def sums(self) -> Sums:
        level, received, used, unreported, unexplained, corrected, inferred = self.opening, 0, 0, 0, 0, 0, 0
        for place in sorted(self.placed):
            report = self.placed[place]
            if report.level is None:
                level += report.flow
                received += max(0, report.flow)
                used -= min(0, report.flow)
                continue
            unseen = self._unseen(level)
            unexplained += unseen
            inferred += unseen
            level += unseen
            difference = report.level - level
            if report.kind is ReadingKind.CORRECTED:
                corrected += difference
                unexplained += difference
            elif difference > 0:
                received += difference
            elif report.kind is ReadingKind.MEASURED:
                unreported -= difference
            else:
                unexplained += difference
            level = report.level
        return Sums(level, received, used, unreported, unexplained, corrected, inferred + self._unseen(level))

    def _unseen(self, level: int) -> int:
        """Return the unreported goods that explain the use: the difference, or whole cartridges."""
        goods = 0
        while level + goods < 0:
            goods += self.cartridge or -level
        return goods
