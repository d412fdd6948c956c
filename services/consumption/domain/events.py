"""Events that consumption publishes about a slot."""

from collections.abc import Iterator

from replenish_contracts.catalogue import Event
from replenish_contracts.events import (
    AnomalyCode,
    Fill,
    FillCause,
    Loading,
    Reporter,
    SlotAnomalyDetected,
    SlotCorrected,
    SlotFilled,
    SlotLevelChanged,
    ThresholdCrossed,
)
from services.consumption.domain.gaps import BookChange
from services.consumption.domain.report import ReadingKind, Report, from_unix
from services.consumption.domain.slot import Slot


def threshold_crossed(slot: Slot, at: float) -> ThresholdCrossed:
    runs_out = slot.run_out_after(at)
    return ThresholdCrossed(
        device_id=slot.device_id,
        slot=slot.slot,
        customer_id=slot.spec.customer_id,
        product_id=slot.spec.product_id,
        pool_id=slot.trigger.pool_id,
        epoch=slot.trigger.epoch,
        level=slot.held,
        uncertainty=slot.uncertainty_at(at),
        rate_per_day=slot.rate.per_day,
        run_out_at=from_unix(runs_out) if runs_out is not None else None,
        occurred_at=from_unix(at),
    )


def slot_level_changed(slot: Slot, at: float) -> SlotLevelChanged:
    return SlotLevelChanged(
        device_id=slot.device_id,
        slot=slot.slot,
        customer_id=slot.spec.customer_id,
        product_id=slot.spec.product_id,
        level=slot.held,
        uncertainty=slot.uncertainty_at(at),
        rate_per_day=slot.rate.per_day,
        occurred_at=from_unix(at),
    )


def slot_anomaly_detected(slot: Slot, code: AnomalyCode, reason: str, at: float) -> SlotAnomalyDetected:
    return SlotAnomalyDetected(
        device_id=slot.device_id,
        slot=slot.slot,
        customer_id=slot.spec.customer_id,
        product_id=slot.spec.product_id,
        reason=reason,
        code=code,
        level=slot.held,
        uncertainty=slot.uncertainty_at(at),
        occurred_at=from_unix(at),
    )


def slot_corrected(slot: Slot, difference: int, at: float) -> SlotCorrected:
    return SlotCorrected(
        device_id=slot.device_id,
        slot=slot.slot,
        customer_id=slot.spec.customer_id,
        product_id=slot.spec.product_id,
        difference=difference,
        level=slot.held,
        occurred_at=from_unix(at),
    )


def events_of_report(before: Slot, after: Slot, report: Report, change: BookChange) -> Iterator[Event]:
    """Yield the events of an applied report in the order of publication.

    A late correction may prove that a published rise was not a receipt of goods. Events are not withdrawn, so
    SlotCorrected is reduced by that amount and the sum of both events is right.
    """
    received = max(0, report.flow) + change.received + _inferred_change(before, after, change)
    difference = change.corrected + min(0, received)
    filled_up = report.kind is ReadingKind.FILLED and report.level is not None
    if filled_up and _has_inferred_cartridge(before):
        difference += max(0, received)
    elif received > 0 or filled_up:
        reported = report.flow > 0 or filled_up
        unreported_cause = FillCause.MEASURED if change.received > 0 else FillCause.INFERRED
        yield SlotFilled(
            device_id=after.device_id,
            slot=after.slot,
            customer_id=after.spec.customer_id,
            product_id=after.spec.product_id,
            quantity=max(0, received),
            level=after.held,
            cause=report.cause if reported else unreported_cause,
            by=report.by if reported else Reporter.DEVICE,
            order_id=report.order_id,
            occurred_at=from_unix(report.received_at),
        )
    if difference:
        yield slot_corrected(after, difference, report.received_at)
    if before.level >= 0 > after.level:
        reason = "the slot reported more use than it held"
        yield slot_anomaly_detected(after, AnomalyCode.OVERDRAWN, reason, report.received_at)
    if after.is_followed and (report.flow or after.level != before.level):
        yield slot_level_changed(after, report.received_at)


def _inferred_change(before: Slot, after: Slot, change: BookChange) -> int:
    """Return the change of the quantity loaded by hand without a report; negative once such a refill is reported."""
    owed = change.owed if after.spec.loading is Loading.BY_HAND else 0
    return after.inferred - before.inferred + owed


def _has_inferred_cartridge(slot: Slot) -> bool:
    """Return whether a new cartridge was inferred from use and most of it is left.

    A cartridge reported now is then taken for the inferred one.
    """
    return slot.spec.fill is Fill.REPLACE and 2 * slot.held > slot.spec.capacity and slot.inferred > 0
