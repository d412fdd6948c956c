"""The sequence of a slot's numbered reports: which report is next, and the gaps left by those that are missing."""

from collections.abc import Iterator
from dataclasses import replace

from services.consumption.domain import uncertainty
from services.consumption.domain.gaps import Gap
from services.consumption.domain.report import Report
from services.consumption.domain.slot import Slot


def boot_number(slot: Slot, boot: str) -> int | None:
    """Return the number of a boot, the newest one if its name occurs more than once; None for a new boot."""
    if boot == slot.boot:
        return slot.boot_no
    return max((gap.boot_no for gap in slot.gaps if gap.boot == boot), default=None)


def find_gap(slot: Slot, boot_no: int, seq: int) -> Gap | None:
    return next((gap for gap in slot.gaps if gap.contains(boot_no, seq)), None)


def advance(slot: Slot, boot: str, seq: int, report: Report) -> Slot:
    """Make the report the slot's last one; the reports missing before it become gaps."""
    return _advance_seq(slot, seq, report) if boot == slot.boot else _start_boot(slot, boot, seq, report)


def end_quarantine(slot: Slot) -> Slot:
    """End a quarantine: give up all gaps, so that counting restarts with the next report."""
    gaps = tuple(replace(gap, given_up=True) for gap in slot.gaps)
    if slot.boot is not None:
        gaps += (Gap(slot.boot_no, slot.boot, slot.last_seq + 1, None, slot.level, given_up=True),)
    return replace(slot, quarantined=False, gaps=gaps)


def _start_boot(slot: Slot, boot: str, seq: int, report: Report) -> Slot:
    """Start a new boot: add an open gap after the previous boot and one before the first report of this one."""
    if slot.boot is not None and not slot.accepts_any_seq:
        slot = _with_gap(slot, slot.last_seq + 1, None, report)
    slot = replace(slot, boot=boot, boot_no=slot.boot_no + 1, last_seq=seq)
    return _with_gap(slot, 1, seq - 1, report) if seq > 1 else slot


def _advance_seq(slot: Slot, seq: int, report: Report) -> Slot:
    if slot.accepts_any_seq:
        return replace(slot, last_seq=seq, gaps=tuple(_closed_before(slot, seq)))
    if seq == slot.last_seq + 1:
        return replace(slot, last_seq=seq)
    return _with_gap(replace(slot, last_seq=seq), slot.last_seq + 1, seq - 1, report)


def _closed_before(slot: Slot, seq: int) -> Iterator[Gap]:
    for gap in slot.gaps:
        if gap.boot_no != slot.boot_no or gap.last is not None:
            yield gap
        elif gap.first < seq:
            yield replace(gap, last=seq - 1)


def _with_gap(slot: Slot, first: int, last: int | None, report: Report) -> Slot:
    missing = 1 if last is None else last - first + 1
    added = uncertainty.variance_of_missing(missing, report.used_at - slot.rate.until, slot.rate)
    gap = Gap(slot.boot_no, slot.boot or "", first, last, slot.level, None, added, report.received_at)
    return replace(slot, gaps=(*slot.gaps, gap), variance=slot.variance + added)
