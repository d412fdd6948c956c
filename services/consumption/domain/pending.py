"""What a slot keeps about readings that jumped: the one that waits, and the last one that counted without a second."""

from dataclasses import dataclass

from services.consumption.domain.gaps import LevelReading


@dataclass(frozen=True, slots=True)
class PendingReading:
    """A sensor's reading that waits for a second one; it is in no level, rate, trigger, book or event."""

    boot_no: int
    seq: int
    level: int
    used_at: float
    received_at: float
    #: It counts from this time on without a second reading (unix seconds, our clock).
    due_at: float
    #: Sum of the uses (-) and refills (+) that follow it.
    flow: int = 0
    #: Variance of the slot's level when the reading arrived.
    variance: float = 0.0

    @property
    def moved(self) -> int:
        """The level that the slot would have now if the reading counted."""
        return self.level + self.flow

    def precedes(self, boot_no: int, seq: int) -> bool:
        return (self.boot_no, self.seq) < (boot_no, seq)


@dataclass(frozen=True, slots=True)
class UnconfirmedJump:
    """A jump that counted because no second reading came in time; the next one may take it back."""

    reading: LevelReading
    #: Use that the jump added to the numerator of the rate, which was discounted to `rate_at`.
    rate_use: float
    rate_at: float
    #: A reading received later is not the one that follows.
    expires_at: float
