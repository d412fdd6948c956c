"""The reorder threshold of a slot: set by reorder_decision, crossed at most once per epoch."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Trigger:
    """Threshold `level + shelf_and_on_order <= max(at_level, at_days * rate)`, met by `reports` consecutive reports.

    ThresholdCrossed is published once per epoch.
    """

    pool_id: str
    epoch: int
    at_level: int
    at_days: float
    shelf_and_on_order: int
    reports: int = 1
    follow: bool = False
    #: ThresholdCrossed has not been published for this epoch.
    armed: bool = True
    #: Consecutive reports below the threshold; counted only if `reports` is more than one.
    below: int = 0

    def is_met(self, held: int, rate_per_day: float) -> bool:
        return held <= self.threshold(rate_per_day)

    def after_report(self, held: int, rate_per_day: float) -> "Trigger":
        """Count one more report; the threshold is crossed if the trigger was armed and the result is not."""
        if not self.armed:
            return self
        holds = self.is_met(held, rate_per_day)
        if self.reports == 1:
            return replace(self, armed=not holds)
        below = self.below + 1 if holds else 0
        return replace(self, below=below, armed=below < self.reports)

    def replaced_by(self, newer: "Trigger", held: int, rate_per_day: float) -> "Trigger":
        """Return the newer trigger, disarmed at once if enough reports are below its threshold already.

        The last report counts. Earlier ones count only if they were counted under a threshold that is not higher.
        """
        if not newer.is_met(held, rate_per_day):
            return replace(newer, armed=True, below=0)
        counted = self.reports > 1 and self.threshold(rate_per_day) <= newer.threshold(rate_per_day)
        below = max(1, self.below if counted else 0)
        return replace(newer, armed=below < newer.reports, below=below)

    def threshold(self, rate_per_day: float) -> float:
        return max(self.at_level, self.at_days * rate_per_day) - self.shelf_and_on_order


#: A slot without a threshold.
UNSET = Trigger("", 0, 0, 0.0, 0, armed=False)
