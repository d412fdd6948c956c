"""When a sensor's reading is a jump, how long a jump waits, and how often a slot is read.

A reading within plausible use and noise of the books counts at once. Any other may be a disturbed sensor, a lifted
jar or a wire that came loose, and waits (`readings.py`). The shares are measured from the slot's capacity:

- A rise of up to a tenth is noise or a small refill; a larger one waits.
- A drop may be a tenth, or what the rate of use makes plausible in the time since the last report: its mean and three
  standard deviations, as in `uncertainty.py`. That is 4.1 times the usual use of a day, for a slot that is read daily.
- While the rate is still the prior, a filling may last three days, so 30 % a day are plausible.
- More than 30 % in one drop always waits.
- A drop by more than half of the content waits even if it is less than a tenth of the capacity, unless the rate makes
  it plausible: a scale that loses its zero reads nothing, also of a jar that is nearly empty.
"""

from services.consumption.domain import uncertainty
from services.consumption.domain.rate import DAY
from services.consumption.domain.slot import Slot

#: Scales and ultrasonic sensors are exact to a few percent of their range; a tenth also covers a few servings.
NOISE_SHARE = 0.10
#: Noise of readings close to empty, where a tenth of the capacity would hide a drop to nothing.
FINE_SHARE = 0.03
#: The largest drop that can count at once.
LARGEST_SHARE = 0.30
#: Plausible use is the mean plus this many standard deviations.
DEVIATIONS = 3.0
#: Readings come within this multiple of the usual interval.
INTERVAL_SLACK = 1.5
LONGEST_WAIT_SECONDS = DAY
SHORTEST_WAIT_SECONDS = 60.0
#: Readings received within a second were sent together, by a device that had collected them.
TOGETHER_SECONDS = 1.0
#: The usual interval rises at once to a longer pause, and falls by this share towards a shorter one.
INTERVAL_GAIN = 0.125


def is_jump(slot: Slot, before: int, level: int, seconds: float) -> bool:
    """Return whether a reading `seconds` after the slot held `before` differs by more than plausible use and noise."""
    capacity = slot.spec.capacity
    noise = max(1.0, NOISE_SHARE * capacity)
    if level >= before:
        return level - before > noise
    drop, usual = before - level, _plausible_use(slot, seconds)
    if drop > usual and drop > max(1.0, FINE_SHARE * capacity) and 2 * drop > before:
        return True
    return drop > min(max(noise, usual), max(1.0, LARGEST_SHARE * capacity))


def _plausible_use(slot: Slot, seconds: float) -> float:
    rate, days = slot.rate, max(0.0, seconds) / DAY
    known = rate.per_day * days + DEVIATIONS * uncertainty.standard_deviation(0.0, seconds, rate)
    return max(known, rate.prior_share * LARGEST_SHARE * slot.spec.capacity * days)


def due_at(slot: Slot, applied_at: float) -> float:
    """Return when a jump counts without a second reading: after the usual interval, at most a day.

    The wait starts when the reading is applied: after an outage, the next one may be in the log already.
    """
    usual = INTERVAL_SLACK * slot.interval if slot.interval else LONGEST_WAIT_SECONDS
    return applied_at + min(max(usual, SHORTEST_WAIT_SECONDS), LONGEST_WAIT_SECONDS)


def next_reading_by(slot: Slot, received_at: float) -> float:
    """Return until when the reading that follows is expected, also of a slot that is read once a day."""
    return received_at + INTERVAL_SLACK * (slot.interval or LONGEST_WAIT_SECONDS)


def interval_after(slot: Slot, received_at: float) -> float:
    """Return the usual interval between readings after one more, at most a day; 0 if there was none before."""
    elapsed = min(received_at - slot.read_at, LONGEST_WAIT_SECONDS)
    if not slot.read_at or elapsed < TOGETHER_SECONDS:
        return slot.interval
    if elapsed >= slot.interval:
        return elapsed
    return slot.interval + INTERVAL_GAIN * (elapsed - slot.interval)
