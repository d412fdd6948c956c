"""Reports of use, refills and levels in slot steps, with limits for implausible sizes and times."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from replenish_contracts.events import FillCause, Reporter

#: Steps per report. A larger report is a sender's error; sums of many reports of this size still fit in 64 bits.
LARGEST_REPORT = 2**40
#: Upper limit of one report in slot capacities. The gateway already refuses a tenth of it; makers that write the
#: topic directly bypass the gateway.
MOST_CAPACITIES = 1000
#: Highest level of a reading in percent of the capacity: jars are filled above their mark, foam and sloping floors
#: disturb sensors. The gateway refuses higher levels too.
MOST_LEVEL_PERCENT = 110
#: Devices buffer reports for months at most while offline; an older timestamp means a wrong clock.
OLDEST_USE_SECONDS = 366 * 86_400
#: Makers that write the topic directly supply `received_at`; a larger difference to our clock is implausible.
LARGEST_RECEIPT_SKEW_SECONDS = 366 * 86_400

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ReadingKind(StrEnum):
    """Origin of a level reading; it decides how the difference to the books is classified."""

    #: Measured by a sensor: a rise is goods received, a drop is unreported use.
    MEASURED = "measured"
    #: Entered by a person: the difference is unexplained.
    CORRECTED = "corrected"
    #: The slot was filled to capacity or got a new cartridge: a rise is goods received.
    FILLED = "filled"


@dataclass(frozen=True, slots=True)
class Report:
    """One report: either a `flow` into (+) or out of (-) the slot, or a `level` reading of some `kind`.

    `boot` and `seq` are either both set or both None. Times are unix seconds; `used_at` is already limited to
    plausible values (see `plausible_use_time`).
    """

    used_at: float
    received_at: float
    flow: int = 0
    level: int | None = None
    kind: ReadingKind = ReadingKind.MEASURED
    boot: str | None = None
    seq: int | None = None
    by: Reporter = Reporter.DEVICE
    cause: FillCause = FillCause.MEASURED
    order_id: str | None = None
    #: Our time when the report is applied, from which a jump waits; 0 is `received_at`, which makers may supply.
    applied_at: float = 0.0

    @property
    def size(self) -> int:
        return max(abs(self.flow), self.level or 0)


def plausible_use_time(at: float, received_at: float) -> float:
    """Return the device's timestamp, or `received_at` if the timestamp is later or more than a year earlier.

    The result is used for rates and history only; the order of reports never depends on it.
    """
    if received_at - OLDEST_USE_SECONDS <= at <= received_at:
        return at
    return received_at


def plausible_receipt_time(received_at: float, now: float) -> float:
    return received_at if abs(now - received_at) <= LARGEST_RECEIPT_SKEW_SECONDS else now


def to_unix(at: datetime) -> float:
    return at.timestamp()


def from_unix(at: float) -> datetime:
    """Convert unix seconds to an aware datetime, rounded to microseconds."""
    return _EPOCH + timedelta(microseconds=round(at * 1e6))
