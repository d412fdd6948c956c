"""What a device or a person said about a slot, in the slot's own terms."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from libs.contracts.events import FillCause, Reporter

#: One report of more steps than this is a fault of whoever sent it; sums of many such still fit in 64 bits.
LARGEST_REPORT = 2**40
#: So is one of more than so many fillings of its slot. The gateway refuses a tenth of it; makers may write past it.
MOST_CAPACITIES = 1000
#: Devices buffer while offline, for months at most; a clock that is further behind is wrong.
OLDEST_USE_SECONDS = 366 * 86_400
#: Makers that write the topic themselves say when they received a report; no clock is further off than this.
MOST_ASKEW_SECONDS = 366 * 86_400

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Look(StrEnum):
    """How a level became known, which decides what its difference to the books is."""

    #: A sensor saw it: a rise is goods, a drop is use that nobody reported.
    MEASURED = "measured"
    #: A person set it straight: the difference is unexplained.
    CORRECTED = "corrected"
    #: The slot was filled up, or got a fresh cartridge: a rise is goods.
    FILLED = "filled"


@dataclass(frozen=True, slots=True)
class Report:
    """One report: either `flow`, what goes in (+) or out (-), or `level`, what there is, seen by `look`.

    `boot` and `seq` are both there or both None. Times are unix seconds: when it was used, as far as the
    device can be believed, and when it was received.
    """

    used_at: float
    heard_at: float
    flow: int = 0
    level: int | None = None
    look: Look = Look.MEASURED
    boot: str | None = None
    seq: int | None = None
    by: Reporter = Reporter.DEVICE
    cause: FillCause = FillCause.MEASURED
    order_id: str | None = None

    @property
    def size(self) -> int:
        """Return the largest number in it, to be held against LARGEST_REPORT."""
        return max(abs(self.flow), self.level or 0)


def moment_of_use(at: float, received_at: float) -> float:
    """Return when something was used, for rates and history only; order never depends on it.

    The device's clock is believed unless it is ahead of the receipt or more than a year behind it.
    """
    if received_at - OLDEST_USE_SECONDS <= at <= received_at:
        return at
    return received_at


def moment_of_receipt(received_at: float, now: float) -> float:
    """Return when a report was received: what its writer says if that can be, else now."""
    return received_at if abs(now - received_at) <= MOST_ASKEW_SECONDS else now


def seconds(at: datetime) -> float:
    """Return unix seconds."""
    return at.timestamp()


def moment(at: float) -> datetime:
    """Return the aware datetime of unix seconds, to the microsecond."""
    return _EPOCH + timedelta(microseconds=round(at * 1e6))
