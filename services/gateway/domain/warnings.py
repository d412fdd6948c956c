"""Warnings of answers: what consumption detected in a device's earlier reports, and what to do about it."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from replenish_contracts.events import AnomalyCode
from services.gateway.domain.devices import Device

#: A warning that is not repeated within this time is no longer shown.
WARNING_LASTS = timedelta(hours=24)
#: Code of anomalies that older events do not classify.
UNCLASSIFIED = "doubtful_level"
REMEDIES = {
    AnomalyCode.OVERDRAWN: "report refills, or enter the slot's level; check the unit of the reported quantities",
    AnomalyCode.TOO_MANY_GAPS: "number the reports of each slot 1, 2, 3 ... without gaps, and enter the slot's level",
    AnomalyCode.SHARED_COUNTER: "count seq for each slot by itself: 1, 2, 3 ... within a boot",
    AnomalyCode.MISSING_REPORTS: "send each report again until it is answered 202, with the same boot and seq",
    AnomalyCode.REPEATED_REPORTS: "send each report with a seq of its own, and a new boot whenever seq restarts at 1",
    UNCLASSIFIED: "check the slot's level and enter it",
}


def warnings_of(devices: Iterable[Device], now: datetime) -> list[dict[str, str]]:
    """Return the warnings about these devices for an answer, by device and code."""
    return [
        {
            "code": code,
            "device_id": device.device_id,
            "slot": warning.slot,
            "problem": warning.problem,
            "remedy": REMEDIES.get(code, REMEDIES[UNCLASSIFIED]),
            "at": warning.at.isoformat(),
        }
        for device in devices
        if device.warnings
        for code, warning in sorted(device.warnings.items())
        if now - warning.at < WARNING_LASTS
    ]
