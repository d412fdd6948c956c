"""When a slot is low: the line reorder_decision drew, and whether it was answered."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Trigger:
    """level + elsewhere <= max(at_level, at_days * rate), for `reports` reports in a row, said once per epoch."""

    pool_id: str
    epoch: int
    at_level: int
    at_days: float
    elsewhere: int
    reports: int = 1
    follow: bool = False
    #: Not answered yet.
    armed: bool = True
    #: Reports in a row at which it held; counted only where more than one is asked for.
    below: int = 0

    def holds(self, held: int, rate_per_day: float) -> bool:
        """Tell whether what is there reaches no further than the line."""
        return held <= self.reaches(rate_per_day)

    def after_report(self, held: int, rate_per_day: float) -> "Trigger":
        """Return the trigger after one more report; it is answered when it was armed and is no longer."""
        if not self.armed:
            return self
        holds = self.holds(held, rate_per_day)
        if self.reports == 1:
            return replace(self, armed=not holds)
        below = self.below + 1 if holds else 0
        return replace(self, below=below, armed=below < self.reports)

    def replaced_by(self, newer: "Trigger", held: int, rate_per_day: float) -> "Trigger":
        """Return the newer trigger, answered at once where it holds and enough reports said so.

        The last report counts; earlier ones count where they were counted under a line not above this one.
        """
        if not newer.holds(held, rate_per_day):
            return replace(newer, armed=True, below=0)
        counted = self.reports > 1 and self.reaches(rate_per_day) <= newer.reaches(rate_per_day)
        below = max(1, self.below if counted else 0)
        return replace(newer, armed=below < newer.reports, below=below)

    def reaches(self, rate_per_day: float) -> float:
        """Return the level at which it begins to hold."""
        return max(self.at_level, self.at_days * rate_per_day) - self.elsewhere


#: A slot nobody asked about.
UNSET = Trigger("", 0, 0, 0.0, 0, armed=False)
